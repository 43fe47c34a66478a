// Every event of a subscription's trail as a sentence.
// Rule: one sentence for each type, complete by the types of the API and held to docs/events.md by a test; what an event
// of a later release is called is shown as it is.

import type { Order, TrailEvent } from "../api/types";
import { counted, money, whole } from "../format/numbers";
import { instant } from "../format/times";
import { blockedBy } from "./blocked-by";

export type EventType = TrailEvent["type"];
type DataOf<Type extends EventType> = Extract<TrailEvent, { type: Type }>["data"];
/** Tells an instant in the subscription's zone. */
type At = (iso: string) => string;
type Sentences = { readonly [Type in EventType]: (data: DataOf<Type>, at: At) => string };

interface Priced {
  readonly price: { readonly total: string; readonly currency: string };
}

const cost = ({ price }: Priced) => money(price.total, price.currency);
const models = (list: readonly string[]) => list.join(", ");
const term = (data: { startsAt: string; expiresAt: string }, at: At) => `${at(data.startsAt)} to ${at(data.expiresAt)}`;

const KIND: Readonly<Record<Order["kind"], string>> = {
  purchase: "purchase",
  renewal: "renewal",
  extension: "extension",
  change: "change",
  top_up: "top-up",
};
type OfOrder = Priced & { readonly kind: Order["kind"] };
const order = (data: OfOrder) =>
  `The order of a ${KIND[data.kind]} over ${cost(data)}`.replace("a extension", "an extension");

/** A signed number as what was added or given back. */
function signed(count: number, one: string, many?: string): string {
  const size = counted(Math.abs(count), one, many);
  return count < 0 ? `${size} given back` : `${size} added`;
}

function corrected({ units, calls = 0 }: { units: number; calls?: number }): string {
  const parts = [...(units !== 0 ? [signed(units, "unit")] : []), ...(calls !== 0 ? [signed(calls, "call")] : [])];
  return parts.length > 0 ? parts.join(", ") : "nothing changed";
}

function renews({ autoRenew, renewalBlockedBy }: DataOf<"subscription.expiring">): string {
  if (!autoRenew) return "It does not renew itself.";
  return renewalBlockedBy === null
    ? "It renews itself then."
    : `It was to renew itself, but as things were then it would not have: ${blockedBy(renewalBlockedBy)}`;
}

export const SENTENCES: Sentences = {
  "subscription.purchased": (data, at) =>
    `It was bought for ${cost(data)}: ${term(data, at)}, with ${models(data.models)}.`,
  "subscription.renewed": (data, at) =>
    `A new term began, for ${cost(data)}: ${term(data, at)}, with ${models(data.models)}.`,
  "subscription.extended": (data, at) =>
    `${data.by === "service" ? "It renewed itself" : "It was extended"} by ${counted(data.months, "month")} for ${cost(data)}, to ${at(data.expiresAt)}.`,
  "subscription.expiring": (data, at) =>
    `Its term ends in ${counted(data.daysLeft, "day")}, at ${at(data.expiresAt)}. ${renews(data)}`,
  "subscription.changed": (data, at) =>
    `Its models or limits were changed for ${cost(data)}; it has ${models(data.models)}.` +
    (data.pendingChange === null
      ? ""
      : ` From ${at(data.pendingChange.bindsAt)} it has ${models(data.pendingChange.models.map(({ modelId }) => modelId))}.`),
  "subscription.topped_up": (data, at) =>
    `${whole(data.units)} units of ${data.modelId} were bought beside its cap for ${cost(data)}, until ${at(data.windowEndsAt)}.`,
  "subscription.expired": (data, at) => `Its term ended at ${at(data.expiresAt)}.`,
  "subscription.cancelled": (data, at) =>
    `It was cancelled by its customer; its term would have run to ${at(data.expiresAt)}.`,
  "order.pending": (data, at) => `${order(data)} waits for its confirmation, until ${at(data.lapsesAt)}.`,
  "order.confirmed": (data) => `${order(data)} was confirmed (${data.reference}) and carried out.`,
  "order.rejected": (data) => `${order(data)} was rejected: ${data.reason}`,
  "order.withdrawn": (data) => `${order(data)} was withdrawn by its customer.`,
  "order.lapsed": (data) => `${order(data)} lapsed, as nobody confirmed it in time.`,
  "key.regenerated": () => "A new API key was made; the one before stopped at once.",
  "key.revoked": (data) =>
    `The API key was revoked by ${data.by === "operator" ? "an operator" : "its customer"}; there was none from then on.`,
  "subscription.suspended": (data) => `An operator suspended it: ${data.reason}`,
  "subscription.resumed": (data, at) =>
    `An operator let it go on; it had been suspended since ${at(data.suspendedAt)}: ${data.reason}`,
  "limit.threshold_reached": (data, at) =>
    `${data.modelId} has used ${data.percent} % of its ${data.limit === "daily" ? "calls of the day" : "units of the month"}, which ends at ${at(data.windowEndsAt)}.`,
  "usage.far_above_estimate": (data, at) =>
    `A request to ${data.modelId} of ${at(data.grantedAt)} used ${whole(data.actualUsage)} units where ${whole(data.heldUsage)} were held. A report in a wrong unit looks like that.`,
  "usage.corrected": (data, at) =>
    `An operator corrected what ${data.modelId} used at ${at(data.at)}: ${corrected(data)}. ${data.reason}`,
  "tier.breached": (data, at) =>
    `A request to ${data.modelId} of ${at(data.grantedAt)} was served in the tier ${data.servedTier} instead of ${data.channelTier}.`,
  "hold.released": (data, at) =>
    `An operator released a hold of ${data.modelId} from ${at(data.grantedAt)}: ${counted(data.units, "unit")} came back; ${counted(data.calls, "call")} stay counted.`,
};

/** What happened, as a sentence. `zone` is the subscription's. */
export function sentence(event: TrailEvent, zone: string): string {
  const at: At = (iso) => instant(iso, zone).there;
  const say = SENTENCES[event.type] as ((data: TrailEvent["data"], at: At) => string) | undefined;
  return say?.(event.data, at) ?? `Something that this page has no words for: ${event.type}.`;
}
