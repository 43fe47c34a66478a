// Every way that a call can fail comes out as a refusal with a code.

import { expect, test } from "vitest";
import { Refusal, asRefusal, refusalOf } from "./refusal";

function answer(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers });
}

test("the service's own refusal keeps its code, its field and its time", async () => {
  const body = JSON.stringify({
    retryAfter: 7,
    error: { message: "No.", type: "rate_limit_error", code: "too_many_purchases", param: "months" },
  });
  const refusal = await refusalOf(answer(429, body, { "Retry-After": "7", "apigw-requestid": "abc" }));
  expect(refusal).toMatchObject({
    code: "too_many_purchases",
    status: 429,
    message: "No.",
    param: "months",
    retryAfter: 7,
    requestId: "abc",
  });
});

test.each([
  [401, "signed_out"],
  [403, "forbidden"],
  [404, "not_found"],
  [413, "too_large"],
  [429, "throttled"],
  [503, "temporarily_unavailable"],
  [418, "unexpected"],
])("what the gateway answers with %i by itself is %s", async (status, code) => {
  const refusal = await refusalOf(answer(status, '{"message": "Unauthorized"}'));
  expect(refusal).toMatchObject({ code, message: "Unauthorized", param: null, retryAfter: null, requestId: null });
});

test("an answer that is no JSON is told by its status", async () => {
  expect(await refusalOf(answer(503, "<html>"))).toMatchObject({
    code: "temporarily_unavailable",
    message: "The service answered 503.",
  });
});

test("what is thrown on the way is told as unreachable, and a refusal stays itself", () => {
  expect(asRefusal(new TypeError("Failed to fetch"))).toMatchObject({ code: "unreachable", status: 0 });
  const refusal = new Refusal("price_changed", 409, "Now 10.00.");
  expect(asRefusal(refusal)).toBe(refusal);
});

test("only where the service may have done it all the same, the outcome is unknown", () => {
  const unknown = (code: Refusal["code"]) => new Refusal(code, 0, "").unknownOutcome;
  expect([
    unknown("unreachable"),
    unknown("internal_error"),
    unknown("temporarily_unavailable"),
    unknown("unexpected"),
  ]).toEqual([true, true, true, true]);
  expect([
    unknown("price_changed"),
    unknown("signed_out"),
    unknown("throttled"),
    unknown("active_subscription_exists"),
  ]).toEqual([false, false, false, false]);
});
