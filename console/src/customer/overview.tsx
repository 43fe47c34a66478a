// The customer's first page: the subscription that runs, an order that waits, and what was before.
// Rule: at most one subscription is not over; it stands first, with everything of it.

import { customerApi, read } from "../api/client";
import type { Order, Subscription } from "../api/types";
import { OrderWaits } from "../sale/order-waits";
import { SubscriptionOverview, nameOf, useSubscription } from "../subscription/overview";
import { SubscriptionTabs } from "../subscription/tabs";
import { AsOf, Async, More, useAnswer, usePages } from "../ui/answers";
import type { Pages } from "../ui/answers";
import { Page } from "../ui/page";
import { ButtonLink, Instant, Money, StatusBadge } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";

/** The account's subscriptions, newest first. */
export function useSubscriptions(): Pages<Subscription> {
  return usePages(async (cursor) => {
    const query = cursor === undefined ? {} : { cursor };
    const page = await read(customerApi().GET("/v1/subscriptions", { params: { query } }));
    return { items: page.subscriptions, next: page.next };
  }, []);
}

/** Whether it takes the account's one place. */
export function takesThePlace({ status }: Subscription): boolean {
  return status === "active" || status === "suspended" || status === "pending";
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
  { head: "Began", cell: ({ startsAt, timezone }) => (startsAt === null ? "–" : <Instant at={startsAt} zone={timezone} />) },
  { head: "Ended", cell: ({ expiresAt, timezone }) => (expiresAt === null ? "–" : <Instant at={expiresAt} zone={timezone} />) },
  { head: "Models", cell: ({ models }) => models.map(({ modelId }) => modelId).join(", ") },
  { head: "Charged", numeric: true, cell: ({ price }) => (price === null ? "not kept" : <Money amount={price.total} currency={price.currency} />) },
];

function Past({ rows, renewable }: { rows: readonly Subscription[]; renewable: boolean }) {
  if (rows.length === 0) return null;
  const renew: Column<Subscription> = {
    head: "What you can do",
    cell: ({ status, subscriptionId }) => (status === "expired" ? <ButtonLink href={`#/subscriptions/${subscriptionId}/renew`}>Renew</ButtonLink> : "–"),
  };
  return (
    <section>
      <h2>Before</h2>
      <Table caption="Subscriptions that are over" columns={renewable ? [...PAST, renew] : PAST} rows={rows} rowKey={({ subscriptionId }) => subscriptionId} />
    </section>
  );
}

export function Overview() {
  const subscriptions = useSubscriptions();
  const waiting = useAnswer(orderThatWaits, []);
  const again = () => {
    subscriptions.reload();
    waiting.reload();
  };
  const nothing = (
    <>
      <p>You have no subscription yet.</p>
      <ButtonLink look="primary" href="#/buy">
        Buy one
      </ButtonLink>
    </>
  );
  return (
    <Page title="Overview">
      {waiting.data !== null && <OrderWaits order={waiting.data} onEnded={again} />}
      <Async of={subscriptions} empty={{ when: (items) => items.length === 0, say: nothing }}>
        {(items) => {
          const current = items.find(takesThePlace);
          return (
            <>
              {current === undefined ? (
                <div class="empty">
                  <p>Nothing runs at the moment.</p>
                  <ButtonLink look="primary" href="#/buy">Buy a subscription</ButtonLink>
                </div>
              ) : (
                <Current key={current.subscriptionId} id={current.subscriptionId} />
              )}
              <Past rows={items.filter((item) => !takesThePlace(item))} renewable={current === undefined} />
            </>
          );
        }}
      </Async>
      <More of={subscriptions} />
    </Page>
  );
}
