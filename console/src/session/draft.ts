// What somebody has entered and not sent: kept in session storage, so that no reload and no ended session loses it.
// Rule: a draft belongs to an account and a form; it goes when the form is done, or when the account signs out.

import { useCallback, useState } from "preact/hooks";

const PREFIX = "draft.";

/** What is kept under `name`, or null. */
export function readDraft(name: string): unknown {
  const text = sessionStorage.getItem(PREFIX + name);
  return text === null ? null : (JSON.parse(text) as unknown);
}

/** Keeps `value` under `name`; null forgets it. */
export function keepDraft(name: string, value: unknown): void {
  if (value === null) sessionStorage.removeItem(PREFIX + name);
  else sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
}

/** Forgets every draft of this tab. */
export function forgetDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}

/** Like `useState`, but what was set is there again after a reload or a new sign-in of the same account. `done`
 * forgets it. `account` and `form` name the draft; a form of one subscription has its id in its name. */
export function useDraft<T>(account: string, form: string, initial: T): [T, (value: T) => void, () => void] {
  const name = `${account}.${form}`;
  const [value, setValue] = useState<T>(() => (readDraft(name) as T | null) ?? initial);
  const set = useCallback(
    (next: T) => {
      keepDraft(name, next);
      setValue(() => next);
    },
    [name],
  );
  const done = useCallback(() => keepDraft(name, null), [name]);
  return [value, set, done];
}
