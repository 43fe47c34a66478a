// What keeps a text from being sent as an API key.
// Rule: only what no key can have is refused here; whether a key opens anything, the service says.

/** What is wrong with it, or null. A header could not even carry what is refused. */
export function wrongKey(typed: string): string | null {
  if (typed === "") return "Enter the API key.";
  return /^[!-~]+$/.test(typed) ? null : "An API key has no spaces, and only plain letters, digits, - and _.";
}
