// Where an account's page is, and what an id has to look like before it is asked for.
// Rule: an account is named as its tokens name it, whatever characters that has; it is encoded once in the address.

/** The address of an account's page, without `#`. */
export function accountPath(id: string): string {
  return `/operator/accounts/${encodeURIComponent(id)}`;
}

/** Why `typed` cannot be an account, or null. */
export function accountFault(typed: string): string | null {
  const bytes = new TextEncoder().encode(typed).length;
  return bytes >= 1 && bytes <= 255 ? null : "An account has 1 to 255 bytes.";
}

/** Why `typed` cannot be a subscription's id, or null. */
export function subscriptionFault(typed: string): string | null {
  return /^sub_[a-z2-7]{24}$/.test(typed)
    ? null
    : "The id of a subscription is sub_ and 24 more characters, of a to z and 2 to 7.";
}
