// The lines of an order as somebody types them, and what they come to: the body of a purchase or a change.
// Rule: what the catalogue's limits refuse is said at the field before anything is sent; the service decides all the same.

import type { Entitlement, Model, PurchaseModel, Tier } from "../api/types";
import { add, compare, times } from "../format/decimal";
import { parseWhole, whole } from "../format/numbers";

export interface Line {
  readonly modelId: string;
  readonly channelTier: Tier;
  /** As typed. */
  readonly dailyCallLimit: string;
  /** As typed, in the model's unit. */
  readonly monthlyTokenCap: string;
}

const FIGURES = ["dailyCallLimit", "monthlyTokenCap"] as const;

export type Figure = (typeof FIGURES)[number];

const USUAL: Readonly<Record<Model["unit"], number>> = { tokens: 1_000_000, generations: 100 };
const USUAL_CALLS = 100;

function within({ min, max }: { min: number; max: number }, wanted: number): string {
  return String(Math.min(Math.max(wanted, min), max));
}

/** A line to begin with: the lowest tier that is up, and usual figures within the model's limits. */
export function newLine(model: Model): Line {
  const tier = model.tiers.find(({ available }) => available) ?? model.tiers[0];
  return {
    modelId: model.modelId,
    channelTier: tier?.channelTier ?? "basic",
    dailyCallLimit: within(model.limits.dailyCallLimit, USUAL_CALLS),
    monthlyTokenCap: within(model.limits.monthlyTokenCap, USUAL[model.unit]),
  };
}

/** The line of what was bought. */
export function lineOf({ modelId, channelTier, dailyCallLimit, monthlyTokenCap }: Entitlement): Line {
  return { modelId, channelTier, dailyCallLimit: String(dailyCallLimit), monthlyTokenCap: String(monthlyTokenCap) };
}

/** What is wrong with a figure of a line, or null. `kept` is the figure in force: what stays as it is may. */
export function problem(line: Line, figure: Figure, model: Model | undefined, kept?: number): string | null {
  const number = parseWhole(line[figure]);
  if (number === null) return "Enter a whole number.";
  if (number === kept || model === undefined) return null;
  const { min, max } = model.limits[figure];
  return number >= min && number <= max ? null : `Between ${whole(min)} and ${whole(max)}.`;
}

/** Whether a figure of the line is wrong. `inForce` is the list whose figures may stay as they are. */
export function wrongLine(line: Line, catalogue: readonly Model[], inForce: readonly Entitlement[] = []): boolean {
  const is = ({ modelId }: { modelId: string }) => modelId === line.modelId;
  const [model, kept] = [catalogue.find(is), inForce.find(is)];
  return FIGURES.some((figure) => problem(line, figure, model, kept?.[figure]) !== null);
}

/** The lines as the API takes them; null while one of them has a figure that is no number. */
export function modelsOf(lines: readonly Line[]): PurchaseModel[] | null {
  const models: PurchaseModel[] = [];
  for (const { modelId, channelTier, dailyCallLimit, monthlyTokenCap } of lines) {
    const calls = parseWhole(dailyCallLimit);
    const cap = parseWhole(monthlyTokenCap);
    if (calls === null || cap === null) return null;
    models.push({ modelId, channelTier, dailyCallLimit: calls, monthlyTokenCap: cap });
  }
  return models;
}

export type Binds = "as it is" | "now" | "next month" | "ends next month";

const RANK: Readonly<Record<Tier, number>> = { basic: 0, stable: 1, enterprise: 2 };

/** What a month of a line costs by the catalogue of now; null where it is not sold so. */
function costs(line: PurchaseModel, model: Model | undefined): string | null {
  const price = model?.tiers.find(({ channelTier }) => channelTier === line.channelTier)?.price;
  return price === undefined ? null : monthOf(price, line);
}

/** What a month costs at `price`, exactly: its base, its units and its daily calls. */
export function monthOf(
  price: { readonly base: string; readonly perUnit: string; readonly perDailyCall: string },
  line: Pick<PurchaseModel, "dailyCallLimit" | "monthlyTokenCap">,
): string {
  return add(
    add(price.base, times(price.perUnit, line.monthlyTokenCap)),
    times(price.perDailyCall, line.dailyCallLimit),
  );
}

/** When a line of a change binds. `sold` is what a month of the old line was sold for, which counts where it is not sold
 * any more. */
export function binds(
  old: PurchaseModel | undefined,
  wanted: PurchaseModel | undefined,
  model: Model | undefined,
  sold?: string,
): Binds {
  if (wanted === undefined) return "ends next month";
  if (old === undefined) return "now";
  const same =
    old.channelTier === wanted.channelTier &&
    old.dailyCallLimit === wanted.dailyCallLimit &&
    old.monthlyTokenCap === wanted.monthlyTokenCap;
  if (same) return "as it is";
  const before = costs(old, model) ?? sold ?? "0";
  const after = costs(wanted, model) ?? before;
  const falls =
    wanted.dailyCallLimit < old.dailyCallLimit ||
    wanted.monthlyTokenCap < old.monthlyTokenCap ||
    RANK[wanted.channelTier] < RANK[old.channelTier] ||
    compare(after, before) < 0;
  return falls ? "next month" : "now";
}
