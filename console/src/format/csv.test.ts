// Values that would break a row, or run as a formula.

import { expect, test } from "vitest";
import { csv } from "./csv";

test("quotes, commas and line ends are quoted, and quotes doubled", () => {
  expect(
    csv(
      ["a", "b"],
      [
        ['say "hi"', "x,y"],
        ["two\nlines", "plain"],
        ["cr\rhere", " "],
      ],
    ),
  ).toBe('a,b\r\n"say ""hi""","x,y"\r\n"two\nlines",plain\r\n"cr\rhere", \r\n');
});

test.each(["=1+1", "+1", "-1", "@sum", "\tx"])("%j is text and no formula", (value) => {
  expect(csv([value], [])).toBe(`'${value}\r\n`);
});

test("what only contains such a sign stays as it is", () => {
  expect(csv(["a=b"], [["1-2"]])).toBe("a=b\r\n1-2\r\n");
});
