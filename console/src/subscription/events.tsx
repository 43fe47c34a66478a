// The event trail of a subscription in words, newest first.
// Rule: nothing is left out; the exact type stands beside the sentence, for whoever compares it with a system's log.

import { apiOf, read } from "../api/client";
import type { Subscription, TrailEvent } from "../api/types";
import type { Kind } from "../config";
import { AsOf, Async, More, usePages } from "../ui/answers";
import { Instant } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";
import { sentence } from "./event-words";

export function EventTrail({ kind, subscription }: { kind: Kind; subscription: Subscription }) {
  const { subscriptionId, timezone } = subscription;
  const events = usePages(
    async (cursor) => {
      const params = { path: { subscriptionId }, query: cursor === undefined ? {} : { cursor } };
      const { events: items, next } = await read(
        apiOf(kind).GET("/v1/subscriptions/{subscriptionId}/events", { params }),
      );
      return { items, next };
    },
    [kind, subscriptionId],
  );
  const columns: readonly Column<TrailEvent>[] = [
    { head: "When", cell: ({ at }) => <Instant at={at} zone={timezone} /> },
    { head: "What happened", cell: (event) => sentence(event, timezone) },
    { head: "Type", cell: ({ type }) => <code>{type}</code> },
  ];
  return (
    <>
      <AsOf of={events} />
      <Async of={events} empty={{ when: (items) => items.length === 0, say: "Nothing has happened yet." }}>
        {(items) => (
          <Table caption="What happened, newest first" columns={columns} rows={items} rowKey={({ id }) => id} />
        )}
      </Async>
      <More of={events} />
    </>
  );
}
