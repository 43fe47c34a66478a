// What the history of a subscription comes to: its days and models, their sums, and the file of it.
// Rule: sums are exact, however large; only a chart is given rounded numbers.

import type { Unit, UsageDay } from "../api/types";
import { csv } from "../format/csv";

/** The first and the last day of a range, both in it: `2026-11-24`. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

export type UnitOf = (modelId: string) => Unit | null;

/** The models of the days, as they came. */
export function modelsOf(days: readonly UsageDay[]): string[] {
  return [...new Set(days.map(({ modelId }) => modelId))];
}

/** The dates of the days, oldest first. */
export function datesOf(days: readonly UsageDay[]): string[] {
  return [...new Set(days.map(({ date }) => date))].sort();
}

/** The sum of one figure of the days. */
export function total(days: readonly UsageDay[], figure: "calls" | "units"): bigint {
  return days.reduce((sum, day) => sum + BigInt(day[figure]), 0n);
}

/** `date` and so many days, in the calendar. */
export function shifted(date: string, days: number): string {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** The ranges that are offered, by what they are called. `last` is the last day that there is. */
export function ranges(last: string): Readonly<Record<string, Range>> {
  const month = `${last.slice(0, 8)}01`;
  const before = shifted(month, -1);
  return {
    "Last 7 days": { from: shifted(last, -6), to: last },
    "Last 31 days": { from: shifted(last, -30), to: last },
    "This month": { from: month, to: last },
    "Month before": { from: `${before.slice(0, 8)}01`, to: before },
  };
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const MOST_DAYS = 366;

/** What keeps a range from being asked for, or null. */
export function wrongRange({ from, to }: Range): string | null {
  if (!DATE.test(from) || !DATE.test(to)) return "Enter both days.";
  if (from > to) return "The first day is after the last.";
  return to > shifted(from, MOST_DAYS - 1) ? `At most ${MOST_DAYS} days at once.` : null;
}

/** The days as a file, one line for each day and model, in whole numbers. */
export function csvOf(days: readonly UsageDay[], unitOf: UnitOf): string {
  return csv(
    ["date", "model", "unit", "calls", "units", "day_is_over"],
    days.map(({ date, modelId, calls, units, closed }) => [
      date,
      modelId,
      unitOf(modelId) ?? "",
      String(calls),
      String(units),
      closed ? "yes" : "no",
    ]),
  );
}

/** One figure for each date and model, as a chart has it: `[model][date]`, zero where there is none. */
export function matrix(
  days: readonly UsageDay[],
  dates: readonly string[],
  models: readonly string[],
  figure: "calls" | "units",
): number[][] {
  const at = new Map(days.map((day) => [`${day.date} ${day.modelId}`, day[figure]]));
  return models.map((modelId) => dates.map((date) => at.get(`${date} ${modelId}`) ?? 0));
}

/** Each row upon those before it, so that bars stand on one another. */
export function stacked(rows: readonly (readonly number[])[]): number[][] {
  const upon: number[][] = [];
  for (const row of rows) upon.push(row.map((value, index) => value + (upon.at(-1)?.[index] ?? 0)));
  return upon;
}
