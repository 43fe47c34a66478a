// What is looked for before the service is asked.

import { expect, test } from "vitest";
import { match } from "../router";
import { accountFault, accountPath, subscriptionFault } from "./paths";

test("an account of any characters comes back from its address as it was", () => {
  for (const id of ["acct_demo", "auth0|1/2", "50%25", "a?b#c", "Jürgen 名"])
    expect(match("/operator/accounts/:id", accountPath(id))).toEqual({ id });
});

test("what can be no account or subscription is told before it is asked for", () => {
  expect(accountFault("acct_demo")).toBeNull();
  expect(accountFault("")).toContain("1 to 255 bytes");
  expect(accountFault("é".repeat(127))).toBeNull();
  expect(accountFault("é".repeat(128))).toContain("1 to 255 bytes");
  expect(subscriptionFault("sub_mfrggzdfmztwq2lknnwg23tp")).toBeNull();
  for (const typed of ["", "sub_MFRGGZDFMZTWQ2LKNNWG23TP", "sub_mfrggzdfmztwq2lknnwg23t1", "order_1"])
    expect(subscriptionFault(typed)).toContain("24 more characters");
});
