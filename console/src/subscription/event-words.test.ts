// Every event of a subscription has its sentence, and no sentence is for an event that is gone.

import { expect, test } from "vitest";
import page from "../../../docs/events.md?raw";
import openapi from "../../../docs/openapi.json";
import type { TrailEvent } from "../api/types";
import { SENTENCES, sentence } from "./event-words";

const listed = [...page.matchAll(/^\| `([a-z_.]+)` \| [^|]+ \| subscription \|/gm)].map((row) => row[1] ?? "");
const schemas: Readonly<Record<string, unknown>> = openapi.components.schemas;
const typed = Object.values(schemas).flatMap((schema) => {
  const { properties } = schema as { properties?: { type?: { const?: string }; version?: unknown } };
  return properties?.version !== undefined && properties.type?.const !== undefined ? [properties.type.const] : [];
});

const PRICE = { currency: "USD", lines: [], monthlyTotal: "12.00", months: 1, total: "1234.56" };
const TERM = {
  term: 1,
  startsAt: "2026-11-01T00:00:00Z",
  expiresAt: "2026-12-01T00:00:00Z",
  models: ["alpha", "beta"],
  price: PRICE,
};
const event = (type: string, data: unknown) =>
  ({ id: "evt_1", type, version: 1, at: "2026-11-24T16:11:00.338Z", data }) as TrailEvent;
const say = (type: string, data: unknown) => sentence(event(type, data), "UTC");

test("the sentences are for the events of the page, and for those of the API", () => {
  expect(listed.length).toBeGreaterThan(20);
  expect(Object.keys(SENTENCES).sort()).toEqual([...listed].sort());
  expect(Object.keys(SENTENCES).sort()).toEqual([...typed].sort());
});

test("amounts, counts and whoever did it stand in the sentence", () => {
  expect(say("subscription.purchased", TERM)).toMatch(/1,234\.56.*with alpha, beta\.$/);
  expect(say("subscription.extended", { ...TERM, months: 2, by: "service" })).toMatch(/^It renewed itself by 2 months/);
  expect(say("subscription.extended", { ...TERM, months: 1, by: "customer" })).toMatch(/^It was extended by 1 month /);
  expect(say("key.revoked", { term: 1, by: "operator" })).toContain("by an operator");
  expect(say("key.revoked", { term: 1, by: "customer" })).toContain("by its customer");
  expect(say("order.rejected", { kind: "extension", price: PRICE, reason: "Card refused." })).toMatch(
    /^The order of an extension over \D*1,234\.56\D* was rejected: Card refused\.$/,
  );
});

test("a correction says what was added and what was given back", () => {
  const told = (units: number, calls?: number) =>
    say("usage.corrected", { modelId: "alpha", term: 1, units, calls, at: TERM.startsAt, reason: "Twice." });
  expect(told(-1500, 2)).toContain("1,500 units given back, 2 calls added. Twice.");
  expect(told(1)).toContain("1 unit added. Twice.");
  expect(told(0, -1)).toContain("1 call given back. Twice.");
});

test("what is to come is told where there is something to come", () => {
  const changed = { ...TERM, lines: [], pendingChange: null };
  expect(say("subscription.changed", changed)).not.toContain("From ");
  const pendingChange = { bindsAt: TERM.expiresAt, models: [{ modelId: "gamma" }] };
  expect(say("subscription.changed", { ...changed, pendingChange })).toMatch(/From .* it has gamma\.$/);
  const ends = (autoRenew: boolean, renewalBlockedBy: string | null) =>
    say("subscription.expiring", { ...TERM, daysLeft: 7, autoRenew, renewalBlockedBy });
  expect(ends(false, null)).toMatch(/in 7 days.*does not renew itself\.$/);
  expect(ends(true, null)).toMatch(/It renews itself then\.$/);
  expect(ends(true, "unknown_model")).toContain("a model of it was withdrawn");
});

test("an event of a later release is told by its type", () => {
  expect(say("subscription.danced", {})).toContain("subscription.danced");
});
