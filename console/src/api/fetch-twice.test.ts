// What is repeated, and what never is.

import { afterEach, expect, test, vi } from "vitest";
import { fetchTwice } from "./fetch-twice";

const URL = "http://console.example/v1/models";
const lost = () => Promise.reject(new TypeError("Failed to fetch"));
const told = (status: number) => () => Promise.resolve(new Response(null, { status }));

function answering(...answers: (() => Promise<Response>)[]) {
  const fetched = vi.fn(() => (answers.shift() ?? lost)());
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => vi.unstubAllGlobals());

test.each([502, 503, 504])("a GET that is answered %i is sent once more", async (status) => {
  const fetched = answering(told(status), told(200));
  expect((await fetchTwice(new Request(URL), 0)).status).toBe(200);
  expect(fetched).toHaveBeenCalledTimes(2);
});

test("a GET that got no answer is sent once more, and not a third time", async () => {
  const fetched = answering(lost, lost, told(200));
  await expect(fetchTwice(new Request(URL), 0)).rejects.toThrow("Failed to fetch");
  expect(fetched).toHaveBeenCalledTimes(2);
});

test.each([200, 404, 429, 500])("a GET that is answered %i is not repeated", async (status) => {
  const fetched = answering(told(status), told(200));
  expect((await fetchTwice(new Request(URL), 0)).status).toBe(status);
  expect(fetched).toHaveBeenCalledTimes(1);
});

test("what changes something is never repeated", async () => {
  const fetched = answering(told(503), told(200));
  expect((await fetchTwice(new Request(URL, { method: "POST" }), 0)).status).toBe(503);
  const dropped = answering(lost, told(200));
  await expect(fetchTwice(new Request(URL, { method: "DELETE" }), 0)).rejects.toThrow();
  expect([fetched.mock.calls.length, dropped.mock.calls.length]).toEqual([1, 1]);
});
