// Formats and exact arithmetic, with the locale and the zone given, so that the machine's own do not matter.

import { expect, test } from "vitest";
import { add, compare, subtract, times } from "./decimal";
import { counted, money, parseSigned, parseWhole, percent, signed, whole } from "./numbers";
import { day, instant, instantOf, timeLeft } from "./times";

test("amounts are added, subtracted and compared exactly", () => {
  expect(add("0.1", "0.20")).toBe("0.30");
  expect(add("99999999999999999999.99", "0.01")).toBe("100000000000000000000.00");
  expect(subtract("1.00", "1.05")).toBe("-0.05");
  expect(times("0.000003", 3_000_000)).toBe("9.000000");
  expect(compare("99", "99.00")).toBe(0);
  expect(compare("9.99", "10")).toBe(-1);
  expect(compare("10.001", "10")).toBe(1);
});

test("money keeps every decimal, and at least two", () => {
  expect(money("12", "USD", "en-US")).toBe("$12.00");
  expect(money("0.0000031", "USD", "en-US")).toBe("$0.0000031");
  expect(money("12345678901234567890.12", "USD", "en-US")).toBe("$12,345,678,901,234,567,890.12");
  expect(money("1234.5", "EUR", "de-DE")).toBe("1.234,50\u00a0€");
});

test("numbers are in the reader's format", () => {
  expect(whole(5_000_000, "en-US")).toBe("5,000,000");
  expect(percent(999, 1000, "en-US")).toBe("99.9%");
  expect(percent(99_999, 100_000, "en-US")).toBe("99.9%");
  expect(percent(0, 0, "en-US")).toBe("0%");
  expect(counted(1, "day")).toBe("1 day");
  expect(counted(0, "day")).toBe("0 days");
});

test("a typed number may have separators of thousands, and nothing else", () => {
  for (const typed of ["5000000", "5,000,000", "5.000.000", "5 000 000", "5'000'000", " 5_000_000 "])
    expect(parseWhole(typed)).toBe(5_000_000);
  for (const typed of ["", "1.5", "-3", "1e6", "12,34", "5 million", "99999999999999999999"])
    expect(parseWhole(typed)).toBeNull();
});

test("an instant is told in both zones only where they differ", () => {
  const iso = "2026-12-24T23:30:00Z";
  expect(instant(iso, "UTC", "UTC", "en-GB")).toEqual({ there: "24 Dec 2026, 23:30", here: null });
  expect(instant(iso, "UTC", "Asia/Shanghai", "en-GB")).toEqual({
    there: "24 Dec 2026, 23:30 (UTC)",
    here: "25 Dec 2026, 07:30 (your time)",
  });
});

test("a date is the same day everywhere", () => {
  expect(day("2026-12-24", "en-GB")).toBe("24 Dec 2026");
});

test("the time that is left is told rounded down, and is over at its instant", () => {
  const at = Date.parse("2026-12-24T12:00:00Z");
  expect(timeLeft("2026-12-24T14:05:59Z", at)).toBe("2 h 05 min");
  expect(timeLeft("2026-12-24T12:04:09.999Z", at)).toBe("4 min 09 s");
  expect(timeLeft("2026-12-24T12:00:01Z", at)).toBe("0 min 01 s");
  expect(timeLeft("2026-12-24T12:00:00Z", at)).toBeNull();
  expect(timeLeft("2026-12-24T11:00:00Z", at)).toBeNull();
});

test("a number that is added may be below 0, and shows its sign", () => {
  expect(parseSigned("-3,800,000")).toBe(-3_800_000);
  expect(parseSigned("−5")).toBe(-5);
  expect(parseSigned("+5")).toBe(5);
  expect(parseSigned("5")).toBe(5);
  expect(Object.is(parseSigned("-0"), 0)).toBe(true);
  for (const typed of ["", "-", "--5", "1-2", "five"]) expect(parseSigned(typed)).toBeNull();
  expect([-3800, 0, 12].map((number) => signed(number, "en-US"))).toEqual(["-3,800", "0", "+12"]);
});

test("a typed day and time are the viewer's", () => {
  const typed = instantOf("2026-12-24T18:30");
  expect(typed).toBe(new Date(2026, 11, 24, 18, 30).toISOString());
  expect(instantOf("")).toBeNull();
  expect(instantOf("soon")).toBeNull();
});
