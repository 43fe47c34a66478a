// A model as an operator types it: its draft, what is wrong with it, the body it is sent as, and what orders would cost.
// Rule: amounts stay the text that was typed, and are counted exactly; the service decides all the same.

import type { ListedModel, Model, PutModel, ReadModel, Tier } from "../api/types";
import { parseWhole, whole } from "../format/numbers";
import { monthOf } from "../sale/lines";

export const TIERS: readonly Tier[] = ["basic", "stable", "enterprise"];
export const KINDS: readonly Model["kind"][] = ["text", "image", "video"];
export const AMOUNTS = ["base", "perUnit", "perDailyCall"] as const;
export const LIMITS = ["dailyCallLimit", "monthlyTokenCap"] as const;

export type Amounts = Readonly<Record<(typeof AMOUNTS)[number], string>>;

export interface TierDraft {
  readonly offered: boolean;
  readonly price: Amounts;
}

export interface Bounds {
  readonly min: string;
  readonly max: string;
}

export interface ModelDraft {
  /** The version that it was begun from; null for a model that there was not. */
  readonly etag: string | null;
  readonly from: ReadModel | null;
  readonly kind: Model["kind"];
  readonly currency: string;
  readonly tiers: Readonly<Record<Tier, TierDraft>>;
  readonly limits: Readonly<Record<(typeof LIMITS)[number], Bounds>>;
}

const MOST = { dailyCallLimit: 1_000_000_000, monthlyTokenCap: 1_000_000_000_000_000 } as const;
const NO_PRICE: Amounts = { base: "0.00", perUnit: "0", perDailyCall: "0" };

/** Whether the figures of a model are known: it is there, and the service can read it. */
export function isReadable(model: ReadModel | null): model is ListedModel {
  return model !== null && !("unreadable" in model);
}

/** What a kind of model is counted in. */
export function unitOf(kind: Model["kind"]): Model["unit"] {
  return kind === "text" ? "tokens" : "generations";
}

/** The draft to begin with: the model as it is, or a new one in `currency`. */
export function draftOf(from: ReadModel | null, etag: string | null, currency: string): ModelDraft {
  const known = isReadable(from) ? from : null;
  const tier = (name: Tier): TierDraft => {
    const price = known?.tiers.find(({ channelTier }) => channelTier === name)?.price;
    return { offered: price !== undefined, price: price ?? NO_PRICE };
  };
  const bounds = (name: (typeof LIMITS)[number]): Bounds => {
    const { min, max } = known?.limits[name] ?? { min: 1, max: MOST[name] };
    return { min: String(min), max: String(max) };
  };
  return {
    etag,
    from,
    kind: from?.kind ?? "text",
    currency: known?.tiers[0]?.price.currency ?? currency,
    tiers: { basic: tier("basic"), stable: tier("stable"), enterprise: tier("enterprise") },
    limits: { dailyCallLimit: bounds("dailyCallLimit"), monthlyTokenCap: bounds("monthlyTokenCap") },
  };
}

/** Whether something was entered that the version it was begun from, or a new model in `currency`, does not have. */
export function isTouched(draft: ModelDraft, currency: string): boolean {
  return JSON.stringify(draft) !== JSON.stringify(draftOf(draft.from, draft.etag, currency));
}

/** What is wrong with an amount as it was typed, or null. */
export function amountProblem(typed: string): string | null {
  if (/^(0|[1-9]\d{0,11})(\.\d{1,12})?$/.test(typed.trim())) return null;
  return "Enter an amount such as 12.00 with a point, at most 12 digits before and 12 after it.";
}

/** What is wrong with one end of a limit, or null. */
export function boundProblem(draft: ModelDraft, limit: (typeof LIMITS)[number], end: "min" | "max"): string | null {
  const { min, max } = draft.limits[limit];
  const number = parseWhole(end === "min" ? min : max);
  if (number === null || number < 1 || number > MOST[limit]) return `A whole number from 1 to ${whole(MOST[limit])}.`;
  const low = parseWhole(min);
  return end === "max" && low !== null && low > number ? "Not below the least." : null;
}

/** The tiers that are offered, in the order in which they are sent. */
export function offeredTiers(draft: ModelDraft): Tier[] {
  return TIERS.filter((tier) => draft.tiers[tier].offered);
}

/** The body to send; null while something is missing or wrong. */
export function bodyOf(draft: ModelDraft): PutModel | null {
  const offered = offeredTiers(draft);
  const wrong =
    offered.length === 0 ||
    !/^[A-Z]{3}$/.test(draft.currency) ||
    offered.some((tier) => AMOUNTS.some((name) => amountProblem(draft.tiers[tier].price[name]) !== null)) ||
    LIMITS.some((limit) => boundProblem(draft, limit, "min") !== null || boundProblem(draft, limit, "max") !== null);
  if (wrong) return null;
  const bounds = ({ min, max }: Bounds) => ({ min: parseWhole(min) ?? 0, max: parseWhole(max) ?? 0 });
  const { dailyCallLimit, monthlyTokenCap } = draft.limits;
  return {
    kind: draft.kind,
    tiers: offered.map((channelTier) => {
      const { base, perUnit, perDailyCall } = draft.tiers[channelTier].price;
      const price = { base: base.trim(), perUnit: perUnit.trim(), perDailyCall: perDailyCall.trim() };
      return { channelTier, price: { currency: draft.currency, ...price } };
    }),
    limits: { dailyCallLimit: bounds(dailyCallLimit), monthlyTokenCap: bounds(monthlyTokenCap) },
  };
}

export interface Example {
  readonly tier: Tier;
  readonly calls: number;
  readonly units: number;
  /** What a month costs as the model is now, and as it is drafted; null where it is not sold so. */
  readonly before: string | null;
  readonly after: string | null;
}

const ORDERS: Readonly<Record<Model["unit"], readonly (readonly [number, number])[]>> = {
  tokens: [
    [100, 1_000_000],
    [1_000, 10_000_000],
    [10_000, 1_000_000_000],
  ],
  generations: [
    [10, 100],
    [100, 1_000],
    [1_000, 10_000],
  ],
};

/** What example orders of the model cost a month, before and after: a small, a usual and a large one of each tier. */
export function examples(now: ReadModel | null, body: PutModel): Example[] {
  const sold = isReadable(now) && !("withdrawn" in now) ? now : null;
  return TIERS.flatMap((tier) => {
    const before = sold?.tiers.find(({ channelTier }) => channelTier === tier)?.price;
    const after = body.tiers.find(({ channelTier }) => channelTier === tier)?.price;
    if (before === undefined && after === undefined) return [];
    return ORDERS[unitOf(body.kind)].map(([calls, units]) => {
      const order = { dailyCallLimit: calls, monthlyTokenCap: units };
      const cost = (price: Amounts | undefined) => (price === undefined ? null : monthOf(price, order));
      return { tier, calls, units, before: cost(before), after: cost(after) };
    });
  });
}

/** A model in figures, to be laid beside another version of it. */
export function figures(draft: ModelDraft): (readonly [string, string])[] {
  const tier = (name: Tier): readonly [string, string] => {
    const { offered, price } = draft.tiers[name];
    return [
      name,
      offered ? `${price.base} + ${price.perUnit} per unit + ${price.perDailyCall} per daily call` : "not offered",
    ];
  };
  const bounds = ({ min, max }: Bounds) => `${min} to ${max}`;
  const withdrawn = isReadable(draft.from) && "withdrawn" in draft.from;
  const state =
    draft.from === null ? "not there" : !isReadable(draft.from) ? "cannot be read" : withdrawn ? "withdrawn" : "sold";
  return [
    ["State", state],
    ["Kind", draft.kind],
    ...TIERS.map(tier),
    ["Daily calls", bounds(draft.limits.dailyCallLimit)],
    ["Monthly units", bounds(draft.limits.monthlyTokenCap)],
  ];
}
