// The sums, ranges and rows of a history, and the file of it.

import { expect, test } from "vitest";
import type { UsageDay } from "../api/types";
import { csvOf, datesOf, matrix, modelsOf, ranges, shifted, stacked, total, wrongRange } from "./usage-days";

const day = (date: string, modelId: string, calls: number, units: number, closed = true): UsageDay => ({
  date,
  modelId,
  calls,
  units,
  closed,
});

const DAYS = [
  day("2026-11-23", "alpha", 1, 10),
  day("2026-11-23", "beta", 2, 20),
  day("2026-11-24", "beta", 3, 30, false),
];

test("sums are exact, also above what a number can hold", () => {
  expect(total(DAYS, "calls")).toBe(6n);
  const huge = Array.from({ length: 3 }, () => day("2026-11-23", "alpha", 1, Number.MAX_SAFE_INTEGER));
  expect(total(huge, "units")).toBe(27021597764222973n);
});

test("models and dates come once each", () => {
  expect(modelsOf(DAYS)).toEqual(["alpha", "beta"]);
  expect(datesOf(DAYS)).toEqual(["2026-11-23", "2026-11-24"]);
});

test("a chart has a row for each model, with nothing where nothing was", () => {
  const rows = matrix(DAYS, datesOf(DAYS), ["alpha", "beta"], "units");
  expect(rows).toEqual([
    [10, 0],
    [20, 30],
  ]);
  expect(stacked(rows)).toEqual([
    [10, 0],
    [30, 30],
  ]);
});

test("days are counted in the calendar, over months, years and leap days", () => {
  expect(shifted("2026-12-31", 1)).toBe("2027-01-01");
  expect(shifted("2028-03-01", -1)).toBe("2028-02-29");
});

test("the usual ranges end with the last day that there is", () => {
  expect(ranges("2027-01-03")).toEqual({
    "Last 7 days": { from: "2026-12-28", to: "2027-01-03" },
    "Last 31 days": { from: "2026-12-04", to: "2027-01-03" },
    "This month": { from: "2027-01-01", to: "2027-01-03" },
    "Month before": { from: "2026-12-01", to: "2026-12-31" },
  });
});

test("a range has both days, in their order, and 366 at most", () => {
  expect(wrongRange({ from: "", to: "2026-11-24" })).toBe("Enter both days.");
  expect(wrongRange({ from: "2026-11-25", to: "2026-11-24" })).toContain("after the last");
  expect(wrongRange({ from: "2026-11-24", to: "2026-11-24" })).toBeNull();
  expect(wrongRange({ from: "2026-01-01", to: "2027-01-01" })).toBeNull();
  expect(wrongRange({ from: "2026-01-01", to: "2027-01-02" })).toContain("366");
});

test("the file has whole numbers, and no model is taken for a formula", () => {
  const days = [day("2026-11-23", "@sum/a", 1, 9007199254740991, false), day("2026-11-23", "-b", 0, 0)];
  expect(csvOf(days, (modelId) => (modelId === "-b" ? null : "tokens"))).toBe(
    "date,model,unit,calls,units,day_is_over\r\n" +
      "2026-11-23,'@sum/a,tokens,1,9007199254740991,no\r\n" +
      "2026-11-23,'-b,,0,0,yes\r\n",
  );
});
