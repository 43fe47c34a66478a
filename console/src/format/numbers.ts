// Numbers and amounts of money in the reader's own format.
// Rule: what is shown is exact; an amount of money keeps all its decimals, and at least two.

/** A whole number with the reader's separators. */
export function whole(number: number | bigint, locale?: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(number);
}

/** A share of a whole in per cent, rounded down so that 100 % means all of it; 0 of nothing. */
export function percent(part: number, all: number, locale?: string): string {
  const share = all > 0 ? Math.floor((part / all) * 1000) / 1000 : 0;
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(share);
}

/** An amount with its currency. `amount` is a decimal string; nothing of it is rounded away. */
export function money(amount: string, currency: string, locale?: string): string {
  const decimals = Math.min((amount.split(".")[1] ?? "").length, 100);
  const digits = { minimumFractionDigits: Math.max(2, decimals), maximumFractionDigits: Math.max(2, decimals) };
  const exact = amount as Intl.StringNumericLiteral;
  return new Intl.NumberFormat(locale, { style: "currency", currency, ...digits }).format(exact);
}

/** What somebody typed as a whole number: separators of thousands are taken as such. Null where it is none. */
export function parseWhole(typed: string): number | null {
  const digits = typed.trim().replace(/(?<=\d)[\s.,'’_](?=\d{3}(\D|$))/g, "");
  const number = /^\d+$/.test(digits) ? Number(digits) : NaN;
  return Number.isSafeInteger(number) ? number : null;
}

/** What somebody typed as a whole number that may be below 0. Null where it is none. */
export function parseSigned(typed: string): number | null {
  const [, sign = "", digits = ""] = /^\s*([-−+]?)(.*)$/.exec(typed) ?? [];
  const number = parseWhole(digits);
  return number === null ? null : sign === "" || sign === "+" ? number : 0 - number;
}

/** A whole number that is added: with its sign. */
export function signed(number: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0, signDisplay: "exceptZero" }).format(number);
}

/** `count` with its word: "1 day", "2 days". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}
