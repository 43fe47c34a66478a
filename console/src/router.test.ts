// What the address asks for.

import { expect, test } from "vitest";
import { match, pathOf } from "./router";

test("the hash is a path, and the home page without one", () => {
  expect(pathOf("")).toBe("/");
  expect(pathOf("#/buy")).toBe("/buy");
  expect(pathOf("#/orders?x=1")).toBe("/orders");
});

test("parameters are decoded, and only whole paths fit", () => {
  expect(match("/operator/accounts/:id", "/operator/accounts/auth0%7C1%2F2")).toEqual({ id: "auth0|1/2" });
  expect(match("/buy", "/buy")).toEqual({});
  expect(match("/subscriptions/:id", "/subscriptions/")).toBeNull();
  expect(match("/subscriptions/:id", "/subscriptions/a/change")).toBeNull();
  expect(match("/operator/accounts/:id", "/operator/accounts/%zz")).toBeNull();
});
