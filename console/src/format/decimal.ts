// Amounts of money as the API sends them: decimal strings, exact, of any length.
// Rule: no amount ever becomes a floating point number; sums and comparisons are made of whole numbers.

function parts(amount: string): [bigint, number] {
  const [whole = "0", decimals = ""] = amount.split(".");
  return [BigInt(whole + decimals), decimals.length];
}

function aligned(one: string, other: string): [bigint, bigint, number] {
  const [a, aPlaces] = parts(one);
  const [b, bPlaces] = parts(other);
  const places = Math.max(aPlaces, bPlaces);
  return [a * 10n ** BigInt(places - aPlaces), b * 10n ** BigInt(places - bPlaces), places];
}

function text(number: bigint, places: number): string {
  const sign = number < 0n ? "-" : "";
  const digits = (number < 0n ? -number : number).toString().padStart(places + 1, "0");
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** `one` + `other`, with as many decimals as the longer of them. */
export function add(one: string, other: string): string {
  const [a, b, places] = aligned(one, other);
  return text(a + b, places);
}

/** `one` − `other`, with as many decimals as the longer of them. */
export function subtract(one: string, other: string): string {
  const [a, b, places] = aligned(one, other);
  return text(a - b, places);
}

/** `amount` × a whole number. */
export function times(amount: string, factor: number): string {
  const [a, places] = parts(amount);
  return text(a * BigInt(factor), places);
}

/** Below 0, 0 or above 0, as `one` is less than, equal to or more than `other`: "99" is "99.00". */
export function compare(one: string, other: string): number {
  const [a, b] = aligned(one, other);
  return a < b ? -1 : a > b ? 1 : 0;
}
