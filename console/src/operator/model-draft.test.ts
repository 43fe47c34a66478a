// The draft of a model: what is sent for it, what is wrong with it, and what orders would cost.

import { expect, test } from "vitest";
import type { Model, PutModel } from "../api/types";
import { amountProblem, bodyOf, boundProblem, draftOf, examples, figures, isTouched } from "./model-draft";

const MODEL: Model = {
  modelId: "m",
  kind: "text",
  unit: "tokens",
  tiers: [
    {
      channelTier: "stable",
      available: true,
      price: { currency: "EUR", base: "12.00", perUnit: "0.000003", perDailyCall: "0.04" },
    },
  ],
  limits: { dailyCallLimit: { min: 1, max: 500 }, monthlyTokenCap: { min: 1000, max: 1_000_000_000_000_000 } },
};

test("a model that is not touched is sent as it is, without what another call changes", () => {
  expect(bodyOf(draftOf(MODEL, '"1"', "USD"))).toEqual({
    kind: "text",
    tiers: [
      { channelTier: "stable", price: { currency: "EUR", base: "12.00", perUnit: "0.000003", perDailyCall: "0.04" } },
    ],
    limits: MODEL.limits,
  });
});

test("a new model takes the catalogue's currency, and is not sent before a tier is offered", () => {
  const draft = draftOf(null, null, "EUR");
  expect(draft.currency).toBe("EUR");
  expect(bodyOf(draft)).toBeNull();
  const offered = { ...draft, tiers: { ...draft.tiers, basic: { ...draft.tiers.basic, offered: true } } };
  expect(bodyOf(offered)?.tiers.map(({ channelTier }) => channelTier)).toEqual(["basic"]);
});

test("a model that cannot be read keeps its kind", () => {
  expect(draftOf({ modelId: "m", kind: "video", unreadable: true }, '"1"', "USD").kind).toBe("video");
});

test("amounts are decimal strings of the service's form", () => {
  for (const right of ["0", "12.00", "0.000000000001", "999999999999"]) expect(amountProblem(right)).toBeNull();
  for (const wrong of ["", "1,5", "-1", "01", "1.", ".5", "1e3", "1000000000000", "0.0000000000001"])
    expect(amountProblem(wrong)).not.toBeNull();
});

test("the least of a limit is not above the most, and both are within what may be bought", () => {
  const draft = draftOf(MODEL, '"1"', "USD");
  const of = (min: string, max: string) => ({ ...draft, limits: { ...draft.limits, dailyCallLimit: { min, max } } });
  expect(boundProblem(of("5", "5"), "dailyCallLimit", "max")).toBeNull();
  expect(boundProblem(of("6", "5"), "dailyCallLimit", "max")).not.toBeNull();
  expect(boundProblem(of("0", "5"), "dailyCallLimit", "min")).not.toBeNull();
  expect(boundProblem(of("1", "1000000001"), "dailyCallLimit", "max")).not.toBeNull();
  expect(bodyOf(of("6", "5"))).toBeNull();
});

test("orders are priced exactly before and after, and what is not sold has no price", () => {
  const price = { currency: "EUR", base: "0.10", perUnit: "0.0000001", perDailyCall: "0" };
  const body: PutModel = { kind: "text", tiers: [{ channelTier: "basic", price }], limits: null };
  const rows = examples(MODEL, body);
  expect(rows.map(({ tier, before, after }) => [tier, before, after])).toEqual([
    ["basic", null, "0.2000000"],
    ["basic", null, "1.1000000"],
    ["basic", null, "100.1000000"],
    ["stable", "19.000000", null],
    ["stable", "82.000000", null],
    ["stable", "3412.000000", null],
  ]);
  expect(examples({ ...MODEL, withdrawn: true }, body)).toHaveLength(3);
});

test("a version is told in figures, with its state", () => {
  const told = (from: Parameters<typeof draftOf>[0]) => Object.fromEntries(figures(draftOf(from, null, "USD")));
  expect(told(MODEL)).toMatchObject({ State: "sold", basic: "not offered", "Daily calls": "1 to 500" });
  expect(told({ ...MODEL, withdrawn: true })).toMatchObject({ State: "withdrawn" });
  expect(told(null)).toMatchObject({ State: "not there" });
});

test("a draft is touched as soon as something of it differs from what it was begun from", () => {
  const draft = draftOf(MODEL, '"1"', "USD");
  const basic = { ...draft.tiers.basic, offered: true };
  expect(isTouched(draft, "USD")).toBe(false);
  expect(isTouched({ ...draft, kind: "image" }, "USD")).toBe(true);
  expect(isTouched({ ...draft, tiers: { ...draft.tiers, basic } }, "USD")).toBe(true);
  expect(isTouched({ ...draftOf(null, null, "USD"), currency: "EUR" }, "USD")).toBe(true);
});
