// What a correction adds to the windows of a model, from what was typed; and what the windows become by it.
// Rule: nothing is sent that adds nothing, and what the windows have become is told by the service alone.

import type { CorrectionRequest, ModelUsage } from "../api/types";
import { parseSigned, parseWhole } from "../format/numbers";
import { instantOf } from "../format/times";

/** `correct` adds units and calls, below 0 too; `give-back` takes a number of calls away. */
export type Way = "correct" | "give-back";

/** A correction as it is typed. */
export interface Typed {
  readonly modelId: string;
  readonly units: string;
  readonly calls: string;
  /** Empty for this moment. */
  readonly at: string;
}

function number(way: Way, typed: string): number | null {
  if (typed.trim() === "") return 0;
  return way === "correct" ? parseSigned(typed) : parseWhole(typed);
}

/** What is wrong with an amount that was typed, or null. */
export function amountFault(way: Way, typed: string): string | null {
  if (number(way, typed) !== null) return null;
  return way === "correct"
    ? "This is no whole number. Below 0 takes away, such as -2000."
    : "This is no whole number above 0.";
}

/** The body without its reason; null as long as there is something to fill in or to put right. */
export function bodyOf(way: Way, typed: Typed): Omit<CorrectionRequest, "reason"> | null {
  const units = way === "correct" ? number(way, typed.units) : 0;
  const given = number(way, typed.calls);
  if (units === null || given === null || (units === 0 && given === 0)) return null;
  const calls = way === "correct" ? given : 0 - given;
  const at = instantOf(typed.at);
  if (at === null && typed.at !== "") return null;
  return {
    modelId: typed.modelId,
    ...(units === 0 ? {} : { units }),
    ...(calls === 0 ? {} : { calls }),
    ...(at === null ? {} : { at }),
  };
}

export interface Shift {
  readonly what: string;
  readonly before: number;
  readonly after: number;
}

type Windows = Pick<ModelUsage, "daily" | "monthly">;

/** The figures of the windows of now, one row each, before and after. */
export function shifts(unit: string, before: Windows, after: Windows): readonly Shift[] {
  const row = (what: string, of: (windows: Windows) => number) => ({ what, before: of(before), after: of(after) });
  return [
    row("Calls used today", ({ daily }) => daily.used),
    row("Calls left today", ({ daily }) => daily.remaining),
    row(`Used this month, ${unit}`, ({ monthly }) => monthly.used),
    row(`Left this month, ${unit}`, ({ monthly }) => monthly.remaining),
    row(`Over the limit, ${unit}`, ({ monthly }) => monthly.overrun),
  ];
}
