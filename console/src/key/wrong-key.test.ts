// What is never sent as a key, because no header could carry it.

import { expect, test } from "vitest";
import { wrongKey } from "./wrong-key";

test("something that may be a key is left to the service", () => {
  expect(wrongKey("sk-custom-abc_DEF-123")).toBeNull();
  expect(wrongKey("nonsense")).toBeNull();
});

test("nothing, spaces and signs of other alphabets are refused at the field", () => {
  expect(wrongKey("")).toBe("Enter the API key.");
  for (const typed of ["sk custom", "sk-custom-…abcd", "ключ", "a\nb"]) expect(wrongKey(typed)).toContain("no spaces");
});
