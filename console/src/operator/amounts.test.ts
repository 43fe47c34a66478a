// What is made of a correction that somebody typed.

import { expect, test } from "vitest";
import { amountFault, bodyOf, shifts } from "./amounts";

const nothing = { modelId: "m", units: "", calls: "", at: "" };

test("a correction sends what was typed, and nothing that adds nothing", () => {
  expect(bodyOf("correct", { ...nothing, units: "-3,800,000" })).toEqual({ modelId: "m", units: -3_800_000 });
  expect(bodyOf("correct", { ...nothing, units: "0", calls: "-2" })).toEqual({ modelId: "m", calls: -2 });
  expect(bodyOf("correct", { ...nothing, calls: "2", at: "2026-12-24T18:30" })).toEqual({
    modelId: "m",
    calls: 2,
    at: new Date(2026, 11, 24, 18, 30).toISOString(),
  });
});

test("giving back takes calls away, and no units", () => {
  expect(bodyOf("give-back", { ...nothing, units: "7", calls: "3" })).toEqual({ modelId: "m", calls: -3 });
  expect(bodyOf("give-back", { ...nothing, calls: "-3" })).toBeNull();
});

test("nothing is sent as long as something is missing or wrong", () => {
  expect(bodyOf("correct", nothing)).toBeNull();
  expect(bodyOf("correct", { ...nothing, units: "0", calls: "0" })).toBeNull();
  expect(bodyOf("correct", { ...nothing, units: "many" })).toBeNull();
  expect(bodyOf("correct", { ...nothing, units: "1", calls: "1.5" })).toBeNull();
  expect(bodyOf("correct", { ...nothing, units: "1", at: "soon" })).toBeNull();
  expect(bodyOf("give-back", nothing)).toBeNull();
});

test("what is wrong with an amount is said beside it", () => {
  expect(amountFault("correct", "")).toBeNull();
  expect(amountFault("correct", "-5")).toBeNull();
  expect(amountFault("correct", "five")).toContain("Below 0");
  expect(amountFault("give-back", "-5")).toContain("above 0");
});

test("every figure that a correction can move is told before and after", () => {
  const resetsAt = "2026-12-24T00:00:00Z";
  const before = {
    daily: { limit: 10, used: 4, remaining: 6, resetsAt },
    monthly: { limit: 100, used: 120, held: 0, remaining: 0, overrun: 20, resetsAt },
  };
  const after = {
    daily: { ...before.daily, used: 3, remaining: 7 },
    monthly: { ...before.monthly, used: 70, remaining: 30, overrun: 0 },
  };
  expect(shifts("tokens", before, after).map((row) => [row.before, row.after])).toEqual([
    [4, 3],
    [6, 7],
    [120, 70],
    [0, 30],
    [20, 0],
  ]);
});
