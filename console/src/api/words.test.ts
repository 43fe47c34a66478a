// Every code that docs/errors.md lists has words, and no word is for a code that is gone.

import { expect, test } from "vitest";
import page from "../../../docs/errors.md?raw";
import { WORDS } from "./words";

const OWN = ["unreachable", "signed_out", "throttled", "too_large", "unexpected"];
const listed = [...page.matchAll(/^\| `([a-z_]+)` \| \d{3} \|/gm)].map((row) => row[1] ?? "");

test("the words are for the codes of the page, and the console's own", () => {
  expect(listed.length).toBeGreaterThan(30);
  expect(Object.keys(WORDS).sort()).toEqual([...listed, ...OWN].sort());
});

test("each says what happened and what to do, as sentences", () => {
  for (const { what, todo } of Object.values(WORDS)) {
    expect(what).toMatch(/^[A-Z].*\.$/);
    expect(todo).toMatch(/^[A-Z].*\.$/);
  }
});
