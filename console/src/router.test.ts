// What the address asks for.

import { expect, test } from "vitest";
import { linkOf, match, pathOf } from "./router";

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

test("a page belongs to the longest link above it", () => {
  const links = ["/operator", "/operator/catalogue", "/operator/tiers"];
  expect(linkOf(links, "/operator")).toBe("/operator");
  expect(linkOf(links, "/operator/accounts/acct_demo")).toBe("/operator");
  for (const order of [links, [...links].reverse()])
    expect(linkOf(order, "/operator/catalogue/m")).toBe("/operator/catalogue");
  expect(linkOf(links, "/operators")).toBeNull();
  expect(linkOf(["/", "/buy"], "/subscriptions/sub_a")).toBeNull();
});
