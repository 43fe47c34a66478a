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

const BLOCKED: Readonly<Record<string, string>> = {
  unknown_model: "a model of it was withdrawn from the catalogue. Take it out of the list by a change.",
  tier_not_offered: "a model of it is not sold in its tier any more. Choose another tier by a change.",
  limits_not_offered: "a limit of it is not sold any more. Choose another one by a change.",
  subscription_suspended: "it is suspended. An operator has to let it go on first.",
  sale_approval_required: "sales have to be confirmed here. Extend it before it ends.",
  temporarily_unavailable: "the catalogue cannot be read at the moment. Look again in a while.",
};

function Told({ subscription, links }: { subscription: Subscription; links: ((side: string) => string) | null }) {
  const { status, renewalBlockedBy } = subscription;
  const link = (side: string, words: string): ComponentChildren =>
    links === null ? null : <p><ButtonLink href={links(side)} look="primary">{words}</ButtonLink></p>;
  return (
    <>
      {status === "suspended" && <Notice tone="bad" title="An operator has suspended this subscription.">Nothing is granted until it goes on. What was open is still settled.</Notice>}
      {status === "pending" && <Notice tone="warn" title="This purchase waits for its confirmation.">Its key works as soon as the order is confirmed. Its term begins then, too.</Notice>}
      {status === "expired" && <Notice tone="warn" title="The term is over.">Its key grants nothing any more. {link("/renew", "Renew it")}</Notice>}
      {status === "cancelled" && <Notice title="It was cancelled.">It is never renewed.{links !== null && <p><ButtonLink href="#/buy" look="primary">Buy anew</ButtonLink></p>}</Notice>}
      {subscription.autoRenew && renewalBlockedBy !== null && (
        <Notice tone="warn" title="It will not renew itself as things are:">
          {BLOCKED[renewalBlockedBy] ?? renewalBlockedBy}
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
    line === undefined ? "not included" : `${line.channelTier}, ${whole(line.dailyCallLimit)} calls a day, ${whole(line.monthlyTokenCap)} ${line.unit} a month`;
  const of = (list: readonly Entitlement[], id: string) => told(list.find(({ modelId }) => modelId === id));
  return (
    <section>
      <h2>A change is to come</h2>
      <p>It binds on <Instant at={pendingChange.bindsAt} zone={timezone} />.</p>
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
  const at = (instant: string | null) => (instant === null ? "once it is confirmed" : <Instant at={instant} zone={timezone} />);
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
      <Told subscription={subscription} links={kind === "customer" ? (side) => base + side : null} />
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
