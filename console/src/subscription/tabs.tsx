// The sides of one subscription, as links: the customer's, and those that an operator looks at.
// Rule: a side that is added to routes.ts is added here, once for everybody who may see it.

import type { Kind } from "../config";
import { path } from "../router";
import { useStore } from "../store";
import { Tabs } from "../ui/parts";

const SIDES: Readonly<Record<Kind, readonly (readonly [string, string])[]>> = {
  customer: [
    ["", "Overview"],
    ["/change", "Change"],
    ["/extend", "Extend and renew"],
    ["/top-up", "Top up"],
    ["/history", "Usage"],
    ["/orders", "Orders"],
    ["/events", "Events"],
    ["/settings", "Settings and key"],
  ],
  operator: [
    ["", "Overview"],
    ["/history", "Usage"],
    ["/orders", "Orders"],
    ["/events", "Events"],
    ["/holds", "Holds"],
  ],
};

/** The address of a subscription's pages for `kind`, without `#`. */
export function subscriptionPath(kind: Kind, id: string): string {
  return `${kind === "operator" ? "/operator" : ""}/subscriptions/${id}`;
}

/** The links of subscription `id`; the one that is shown is marked; the customer's first page shows the first of them. */
export function SubscriptionTabs({ kind, id }: { kind: Kind; id: string }) {
  const base = subscriptionPath(kind, id);
  const items = SIDES[kind].map(([side, label]) => ({ href: `#${base}${side}`, label }));
  const here = useStore(path);
  return <Tabs label="This subscription" items={items} current={`#${here === "/" ? base : here}`} />;
}
