// The customer's first page: the subscription that runs, an order that waits, and what was before.
// Rule: at most one subscription is not over; it stands first, with everything of it.

import { customerApi, read } from "../api/client";
import type { Order, Subscription } from "../api/types";
import { OrderWaits } from "../sale/order-waits";
import { SubscriptionOverview, nameOf, useSubscription } from "../subscription/overview";
import { SubscriptionTabs } from "../subscription/tabs";
import { AsOf, Async, More, useAnswer, usePages } from "../ui/answers";
import type { Asked, PageOf } from "../ui/answers";
import { Page } from "../ui/page";
import { ButtonLink, Instant, Money, StatusBadge } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";

/** A page of the account's subscriptions, newest first. */
async function page(query: { cursor?: string; limit?: number }): Promise<PageOf<Subscription>> {
  const { subscriptions, next } = await read(customerApi().GET("/v1/subscriptions", { params: { query } }));
  return { items: subscriptions, next };
}

function takesThePlace({ status }: Subscription): boolean {
  return status === "active" || status === "suspended" || status === "pending";
}

/** The subscription that takes the account's one place, or null. It may be an old one that was renewed, so every page is
 * looked at until it is found. */
async function current(): Promise<Subscription | null> {
  let cursor: string | null = null;
  do {
    const here: PageOf<Subscription> = await page({ limit: 100, ...(cursor === null ? {} : { cursor }) });
    const found = here.items.find(takesThePlace);
    if (found !== undefined) return found;
    cursor = here.next;
  } while (cursor !== null);
  return null;
}

export function useCurrent(): Asked<Subscription | null> {
  return useAnswer(current, []);
}

/** The order of the account that waits, or null: as nothing is sold beside it, it is the newest one. */
async function orderThatWaits(): Promise<Order | null> {
  const { orders } = await read(customerApi().GET("/v1/orders", { params: { query: { limit: 1 } } }));
  const newest = orders[0];
  return newest?.status === "pending" ? newest : null;
}

function Current({ id }: { id: string }) {
  const seen = useSubscription("customer", id);
  return (
    <section aria-label="The current subscription">
      <div class="page-head">
        <h2>{seen.data === null ? "Your subscription" : nameOf(seen.data.subscription)}</h2>
        <AsOf of={seen} />
      </div>
      <SubscriptionTabs kind="customer" id={id} />
      <Async of={seen}>{(data) => <SubscriptionOverview kind="customer" seen={data} />}</Async>
    </section>
  );
}

const PAST: readonly Column<Subscription>[] = [
  { head: "Subscription", cell: (past) => <a href={`#/subscriptions/${past.subscriptionId}`}>{nameOf(past)}</a> },
  { head: "Status", cell: (past) => <StatusBadge status={past.status} /> },
  {
    head: "Began",
    cell: ({ startsAt, timezone }) => (startsAt === null ? "–" : <Instant at={startsAt} zone={timezone} />),
  },
  {
    head: "Ended",
    cell: ({ expiresAt, timezone }) => (expiresAt === null ? "–" : <Instant at={expiresAt} zone={timezone} />),
  },
  { head: "Models", cell: ({ models }) => models.map(({ modelId }) => modelId).join(", ") },
  {
    head: "Charged",
    numeric: true,
    cell: ({ price }) => (price === null ? "not kept" : <Money amount={price.total} currency={price.currency} />),
  },
];

function Past({ rows, renewable }: { rows: readonly Subscription[]; renewable: boolean }) {
  if (rows.length === 0) return null;
  const renew: Column<Subscription> = {
    head: "What you can do",
    actions: true,
    cell: ({ status, subscriptionId }) =>
      status === "expired" ? <ButtonLink href={`#/subscriptions/${subscriptionId}/renew`}>Renew</ButtonLink> : "–",
  };
  return (
    <section>
      <h2>Before</h2>
      <Table
        caption="Subscriptions that are over"
        columns={renewable ? [...PAST, renew] : PAST}
        rows={rows}
        rowKey={({ subscriptionId }) => subscriptionId}
      />
    </section>
  );
}

export function Overview() {
  const running = useCurrent();
  const all = usePages((cursor) => page(cursor === undefined ? {} : { cursor }), []);
  const waiting = useAnswer(orderThatWaits, []);
  const again = () => {
    running.reload();
    all.reload();
    waiting.reload();
  };
  const past = all.data?.filter((item) => !takesThePlace(item)) ?? [];
  return (
    <Page title="Overview">
      {waiting.data !== null && <OrderWaits order={waiting.data} onEnded={again} />}
      <Async
        of={running}
        again={again}
        empty={{ when: (found) => found === null, say: <Nothing first={all.data?.length === 0} /> }}
      >
        {(found) => found !== null && <Current key={found.subscriptionId} id={found.subscriptionId} />}
      </Async>
      {running.at !== null && <Async of={all}>{() => <Past rows={past} renewable={running.data === null} />}</Async>}
      <More of={all} />
    </Page>
  );
}

function Nothing({ first }: { first: boolean }) {
  return (
    <>
      <p>{first ? "You have no subscription yet." : "Nothing runs at the moment."}</p>
      <ButtonLink look="primary" href="#/buy">
        Buy a subscription
      </ButtonLink>
    </>
  );
}
