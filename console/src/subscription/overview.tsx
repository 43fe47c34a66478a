// One subscription as it is at this moment: its state, what is left of every model, and what is to come.
// Rule: customers and operators see the same; only links to what a customer can do are his alone.

import type { ComponentChildren } from "preact";
import { apiOf, read } from "../api/client";
import type { Entitlement, SeenByOperator, Subscription, Usage } from "../api/types";
import type { Kind } from "../config";
import { counted, whole } from "../format/numbers";
import { useAnswer } from "../ui/answers";
import type { Asked } from "../ui/answers";
import { ButtonLink, Facts, Instant, Money, Notice, StatusBadge } from "../ui/parts";
import { Table } from "../ui/table";
import { blockedBy } from "./blocked-by";
import { ModelCard } from "./model-card";
import { subscriptionPath } from "./tabs";

export interface Seen {
  /** With `accountId` and `suspension` for an operator. */
  readonly subscription: Subscription | SeenByOperator;
  readonly usage: Usage;
}

/** A subscription and its live counters. */
export function useSubscription(kind: Kind, id: string): Asked<Seen> {
  return useAnswer(async () => {
    const params = { path: { subscriptionId: id } };
    const [subscription, usage] = await Promise.all([
      read(apiOf(kind).GET("/v1/subscriptions/{subscriptionId}", { params })),
      read(apiOf(kind).GET("/v1/subscriptions/{subscriptionId}/usage", { params })),
    ]);
    return { subscription, usage };
  }, [kind, id]);
}

/** What a subscription is called: its label, or how its id begins. */
export function nameOf({ label, subscriptionId }: { label: string | null; subscriptionId: string }): string {
  return label ?? `Subscription ${subscriptionId.slice(4, 12)}`;
}

interface State {
  readonly tone: "info" | "warn" | "bad";
  readonly title: string;
  readonly words: string;
  /** What the customer can do: a side of this subscription, or another page, and the words for it. */
  readonly go?: readonly [string, string];
}

const STATES: Readonly<Partial<Record<Subscription["status"], State>>> = {
  suspended: {
    tone: "bad",
    title: "An operator has suspended this subscription.",
    words: "Nothing is granted until it goes on. What was open is still settled.",
  },
  pending: {
    tone: "warn",
    title: "This purchase waits for its confirmation.",
    words: "Its key works as soon as the order is confirmed. Its term begins then, too.",
  },
  expired: {
    tone: "warn",
    title: "The term is over.",
    words: "Its key grants nothing any more.",
    go: ["/renew", "Renew it"],
  },
  cancelled: { tone: "info", title: "It was cancelled.", words: "It is never renewed.", go: ["#/buy", "Buy anew"] },
};

/** What is to be known first. `base` is the customer's address of it; an operator has none, and no ways to go. */
function Told({ subscription, base }: { subscription: Subscription; base: string | null }) {
  const { status, autoRenew, renewalBlockedBy } = subscription;
  const state = STATES[status];
  const blocked = autoRenew ? renewalBlockedBy : null;
  return (
    <>
      {state !== undefined && (
        <Notice tone={state.tone} title={state.title}>
          <p>{state.words}</p>
          {base !== null && state.go !== undefined && (
            <ButtonLink href={state.go[0].startsWith("#") ? state.go[0] : base + state.go[0]}>{state.go[1]}</ButtonLink>
          )}
        </Notice>
      )}
      {blocked !== null && (
        <Notice tone="warn" title="It will not renew itself as things are:">
          {blockedBy(blocked)}
        </Notice>
      )}
    </>
  );
}

function ToCome({ now, subscription }: { now: readonly Entitlement[]; subscription: Subscription }) {
  const { pendingChange, timezone } = subscription;
  if (pendingChange === null) return null;
  const ids = [...new Set([...now, ...pendingChange.models].map(({ modelId }) => modelId))];
  const told = (line: Entitlement | undefined) =>
    line === undefined
      ? "not included"
      : `${line.channelTier}, ${whole(line.dailyCallLimit)} calls a day, ${whole(line.monthlyTokenCap)} ${line.unit} a month`;
  const of = (list: readonly Entitlement[], id: string) => told(list.find(({ modelId }) => modelId === id));
  return (
    <section>
      <h2>A change is to come</h2>
      <p>
        It binds on <Instant at={pendingChange.bindsAt} zone={timezone} />.
      </p>
      <Table
        caption="The list now and then"
        rows={ids}
        rowKey={(id) => id}
        columns={[
          { head: "Model", cell: (id) => id },
          { head: "Now", cell: (id) => of(now, id) },
          { head: "Then", cell: (id) => of(pendingChange.models, id) },
        ]}
      />
    </section>
  );
}

function facts(subscription: Subscription): (readonly [string, ComponentChildren])[] {
  const { status, startsAt, expiresAt, timezone, price, autoRenew, autoRenewMonths } = subscription;
  const at = (instant: string | null) =>
    instant === null ? "once it is confirmed" : <Instant at={instant} zone={timezone} />;
  return [
    ["Status", <StatusBadge status={status} />],
    ["Begins", at(startsAt)],
    ["Ends", at(expiresAt)],
    ["Time zone", timezone],
    ["Renews itself", autoRenew ? `yes, by ${counted(autoRenewMonths, "month")}` : "no"],
    ["Charged for its list", price === null ? "not kept" : <Money amount={price.total} currency={price.currency} />],
    ["Key", subscription.apiKeyMasked === null ? "revoked" : <code>{subscription.apiKeyMasked}</code>],
    ["Number", <code>{subscription.subscriptionId}</code>],
  ];
}

/** Everything of one subscription that is so now. */
export function SubscriptionOverview({ kind, seen: { subscription, usage } }: { kind: Kind; seen: Seen }) {
  const base = `#${subscriptionPath(kind, subscription.subscriptionId)}`;
  return (
    <>
      <Told subscription={subscription} base={kind === "customer" ? base : null} />
      <Facts of={facts(subscription)} />
      <h2>What is left</h2>
      <div class="cards">
        {usage.models.map((model) => (
          <ModelCard key={model.modelId} model={model} zone={subscription.timezone} />
        ))}
      </div>
      <ToCome now={subscription.models} subscription={subscription} />
    </>
  );
}
