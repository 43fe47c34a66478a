// Lines as they are typed, and when a line of a change binds.

import { expect, test } from "vitest";
import type { Model, PurchaseModel } from "../api/types";
import { binds, modelsOf, newLine, problem } from "./lines";

const price = (base: string) => ({ currency: "USD", base, perUnit: "0.000002", perDailyCall: "0.02" });
const model: Model = {
  modelId: "veo-3",
  kind: "video",
  unit: "generations",
  tiers: [
    { channelTier: "basic", available: false, price: price("9.00") },
    { channelTier: "stable", available: true, price: price("5.00") },
  ],
  limits: { dailyCallLimit: { min: 1, max: 50 }, monthlyTokenCap: { min: 200, max: 5000 } },
};
const bought: PurchaseModel = { modelId: "veo-3", channelTier: "basic", dailyCallLimit: 10, monthlyTokenCap: 200 };

test("a new line is in a tier that is up, within the limits", () => {
  expect(newLine(model)).toEqual({
    modelId: "veo-3",
    channelTier: "stable",
    dailyCallLimit: "50",
    monthlyTokenCap: "200",
  });
});

test("a figure outside the limits is refused, but not one that stays", () => {
  const line = { ...newLine(model), dailyCallLimit: "51" };
  expect(problem(line, "dailyCallLimit", model)).toMatch(/Between 1 and 50/);
  expect(problem(line, "dailyCallLimit", model, 51)).toBeNull();
  expect(problem({ ...line, dailyCallLimit: "50" }, "dailyCallLimit", model)).toBeNull();
  expect(problem({ ...line, dailyCallLimit: "5.5" }, "dailyCallLimit", model)).toMatch(/whole number/);
});

test("lines become a body only when every figure is a number", () => {
  expect(modelsOf([{ ...newLine(model), monthlyTokenCap: "1,000" }])?.[0]?.monthlyTokenCap).toBe(1000);
  expect(modelsOf([newLine(model), { ...newLine(model), monthlyTokenCap: "" }])).toBeNull();
});

test("what rises binds now, what falls with the next month, also in what it costs", () => {
  expect(binds(undefined, bought, model)).toBe("now");
  expect(binds(bought, undefined, model)).toBe("ends next month");
  expect(binds(bought, { ...bought }, model)).toBe("as it is");
  expect(binds(bought, { ...bought, dailyCallLimit: 11 }, model)).toBe("now");
  expect(binds(bought, { ...bought, dailyCallLimit: 11, monthlyTokenCap: 199 }, model)).toBe("next month");
  expect(binds({ ...bought, channelTier: "stable" }, bought, model)).toBe("next month");
  expect(binds(bought, { ...bought, channelTier: "stable" }, model)).toBe("next month");
  expect(
    binds(
      { ...bought, channelTier: "enterprise" },
      { ...bought, channelTier: "enterprise", dailyCallLimit: 20 },
      model,
      "3.00",
    ),
  ).toBe("now");
});
