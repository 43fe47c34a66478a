// A value that several views look at: set in one place, and every view that shows it is drawn anew.
// Rule: only what outlives a page is kept so (sessions, the route, what is announced); all else is a page's own state.

import { useEffect, useState } from "preact/hooks";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  /** Calls `then` after every change; answers what ends that. */
  listen(then: () => void): () => void;
}

export function store<T>(value: T): Store<T> {
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of [...listeners]) listener();
    },
    listen(then) {
      listeners.add(then);
      return () => void listeners.delete(then);
    },
  };
}

/** The value of `of`, and a new drawing whenever it changes. */
export function useStore<T>(of: Store<T>): T {
  const [value, setValue] = useState(() => of.get());
  useEffect(() => {
    const read = () => setValue(() => of.get());
    read();
    return of.listen(read);
  }, [of]);
  return value;
}
