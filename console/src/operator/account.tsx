// One account as operators see it: what it bought, the plan of another system that may hold its place, its orders.
// Rule: an account that never bought anything looks like one that is not there, and the page says so.

import { operatorApi, pathId, read } from "../api/client";
import type { Subscription } from "../api/types";
import { viewerZone } from "../format/times";
import type { Params } from "../routes";
import { OrderList } from "../subscription/orders";
import { nameOf } from "../subscription/overview";
import { subscriptionPath } from "../subscription/tabs";
import { AsOf, Async, More, usePages } from "../ui/answers";
import { Page } from "../ui/page";
import { Instant, StatusBadge } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";
import { AccountPlan } from "./plan";

const at = (instant: string | null) => (instant === null ? "–" : <Instant at={instant} zone={viewerZone()} />);

const COLUMNS: readonly Column<Subscription>[] = [
  {
    head: "Subscription",
    cell: (subscription) => (
      <a href={`#${subscriptionPath("operator", subscription.subscriptionId)}`}>{nameOf(subscription)}</a>
    ),
  },
  { head: "Status", cell: ({ status }) => <StatusBadge status={status} /> },
  { head: "Models", cell: ({ models }) => models.map(({ modelId }) => modelId).join(", ") },
  { head: "Begins", cell: ({ startsAt }) => at(startsAt) },
  { head: "Ends", cell: ({ expiresAt }) => at(expiresAt) },
  { head: "Key", cell: ({ apiKeyMasked }) => (apiKeyMasked === null ? "revoked" : <code>{apiKeyMasked}</code>) },
];

function Subscriptions({ account }: { account: string }) {
  const found = usePages(
    async (cursor) => {
      const params = { path: { accountId: pathId(account) }, query: cursor === undefined ? {} : { cursor } };
      const { subscriptions, next } = await read(
        operatorApi().GET("/v1/accounts/{accountId}/subscriptions", { params }),
      );
      return { items: subscriptions, next };
    },
    [account],
  );
  const none = "This account has bought nothing. Check its name: one that is mistyped looks the same.";
  return (
    <section aria-label="Subscriptions">
      <h2>Subscriptions</h2>
      <AsOf of={found} />
      <Async of={found} empty={{ when: (items) => items.length === 0, say: none }}>
        {(items) => (
          <Table
            caption="Subscriptions, newest first"
            columns={COLUMNS}
            rows={items}
            rowKey={({ subscriptionId }) => subscriptionId}
          />
        )}
      </Async>
      <More of={found} />
    </section>
  );
}

export default function Account({ params: { id = "" } }: { params: Params }) {
  return (
    <Page title={`Account ${id}`}>
      <Subscriptions account={id} />
      <AccountPlan account={id} />
      <section aria-label="Orders">
        <h2>Orders</h2>
        <OrderList of={{ kind: "operator", accountId: id }} />
      </section>
    </Page>
  );
}
