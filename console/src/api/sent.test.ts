// A sale keeps its key exactly as long as it is not known what became of it.

import { beforeEach, expect, test, vi } from "vitest";
import { Refusal } from "./refusal";
import { answered, openAfter, openOf, send, sendOnce } from "./sent";

const NAME = "acct.buy.sale";
const refused = (code: Refusal["code"]) => new Refusal(code, 0, "");

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

test("the same body has the same key until it is answered, another body another", () => {
  const first = send(NAME, { months: 1 });
  expect(openOf(NAME)).toEqual({ months: 1 });
  expect(send(NAME, { months: 1 }).key).toBe(first.key);
  expect(send("acct.other.sale", { months: 1 }).key).not.toBe(first.key);
  expect(send(NAME, { months: 2 }).key).not.toBe(first.key);
  const second = send(NAME, { months: 2 });
  answered(NAME);
  expect(openOf(NAME)).toBeNull();
  expect(send(NAME, { months: 2 }).key).not.toBe(second.key);
});

test.each(["unreachable", "internal_error", "temporarily_unavailable", "unexpected"] as const)(
  "after %s it stays open under its key",
  (code) => {
    const { key } = send(NAME, { months: 1 });
    expect(openAfter(NAME, refused(code), false)).toBe(true);
    expect(send(NAME, { months: 1 }).key).toBe(key);
  },
);

test.each(["price_changed", "active_subscription_exists", "signed_out", "throttled"] as const)(
  "after %s of a first attempt nothing is open",
  (code) => {
    send(NAME, { months: 1 });
    expect(openAfter(NAME, refused(code), false)).toBe(false);
    expect(openOf(NAME)).toBeNull();
  },
);

test.each(["signed_out", "throttled"] as const)("%s tells nothing of what was open before", (code) => {
  const { key } = send(NAME, { months: 1 });
  expect(openAfter(NAME, refused(code), true)).toBe(true);
  expect(send(NAME, { months: 1 }).key).toBe(key);
});

test("a refusal by the service closes what was open: it knows every key that it has answered", () => {
  send(NAME, { months: 1 });
  expect(openAfter(NAME, refused("price_changed"), true)).toBe(false);
  expect(openOf(NAME)).toBeNull();
});

test("what is sent once keeps its key until there is a certain answer", async () => {
  const keys: string[] = [];
  const order = (...outcomes: (Refusal | "done")[]) => {
    return (_: unknown, key: string) => {
      keys.push(key);
      const outcome = outcomes.shift() ?? "done";
      return outcome === "done" ? Promise.resolve(outcome) : Promise.reject(outcome);
    };
  };
  const call = order(refused("unreachable"), refused("signed_out"), "done", refused("invalid_request"));
  await expect(sendOnce(NAME, { units: 1 }, call)).rejects.toMatchObject({ code: "unreachable" });
  expect(openOf(NAME)).toEqual({ units: 1 });
  await expect(sendOnce(NAME, { units: 1 }, call)).rejects.toMatchObject({ code: "signed_out" });
  expect(openOf(NAME)).toEqual({ units: 1 });
  await expect(sendOnce(NAME, { units: 1 }, call)).resolves.toBe("done");
  expect(openOf(NAME)).toBeNull();
  expect(new Set(keys).size).toBe(1);
  await expect(sendOnce(NAME, { units: 1 }, call)).rejects.toMatchObject({ code: "invalid_request" });
  expect(openOf(NAME)).toBeNull();
  expect(new Set(keys).size).toBe(2);
});
