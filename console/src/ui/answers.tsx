// What a page asked the service for, in all its states: asked, answered, empty, refused, asked again.
// Rule: figures on a page are those of one answer, with the time it came; they are asked for anew when the tab is come
// back to, and stay until the new ones are there.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asRefusal } from "../api/refusal";
import type { Refusal } from "../api/refusal";
import { clock } from "../format/times";
import { Button } from "./parts";
import { Refused } from "./refused";

export interface Asked<T> {
  /** The newest answer; null until there is one. */
  readonly data: T | null;
  /** Why the newest question was refused; null where it was not. */
  readonly refusal: Refusal | null;
  readonly loading: boolean;
  /** When `data` came; null before the first answer. */
  readonly at: Date | null;
  readonly reload: () => void;
}

const STALE_MS = 10_000;

/** Asks by `load`, again whenever one of `about` changes, and when the tab is come back to after ten seconds or more.
 * `load` answers the data or throws a Refusal. An answer that a newer question overtook is dropped. */
export function useAnswer<T>(load: () => Promise<T>, about: readonly unknown[]): Asked<T> {
  const [state, setState] = useState<Omit<Asked<T>, "reload">>({ data: null, refusal: null, loading: true, at: null });
  const newest = useRef(0);
  const last = useRef(0);
  const latest = useRef(load);
  latest.current = load;
  const ask = useCallback(async (fresh: boolean) => {
    const mine = ++newest.current;
    setState((old) => (fresh ? { data: null, refusal: null, loading: true, at: null } : { ...old, loading: true }));
    try {
      const data = await latest.current();
      last.current = Date.now();
      if (mine === newest.current) setState({ data, refusal: null, loading: false, at: new Date() });
    } catch (error) {
      if (mine === newest.current) setState((old) => ({ ...old, refusal: asRefusal(error), loading: false }));
    }
  }, []);
  const topic = JSON.stringify(about);
  useEffect(() => void ask(true), [ask, topic]);
  useEffect(() => {
    const back = () => {
      if (document.visibilityState === "visible" && Date.now() - last.current > STALE_MS) void ask(false);
    };
    document.addEventListener("visibilitychange", back);
    addEventListener("focus", back);
    return () => {
      newest.current = -1;
      document.removeEventListener("visibilitychange", back);
      removeEventListener("focus", back);
    };
  }, [ask]);
  return { ...state, reload: useCallback(() => void ask(false), [ask]) };
}

interface AsyncProps<T> {
  readonly of: Asked<T>;
  /** What "Try again" does, where it is more than to ask this anew: one press is for all that a page lacks. */
  readonly again?: () => void;
  /** Whether the answer has nothing to show, and what is said then. */
  readonly empty?: { readonly when: (data: T) => boolean; readonly say: ComponentChildren };
  readonly children: (data: T) => ComponentChildren;
}

/** One answer in its states. A refusal of a reload stands above what was there before. */
export function Async<T>({ of, again = of.reload, empty, children }: AsyncProps<T>) {
  if (of.at === null) {
    if (of.refusal !== null) return <Refused refusal={of.refusal} again={again} />;
    return (
      <p class="loading" role="status">
        Loading …
      </p>
    );
  }
  // It has been answered: where `data` is null, null is the answer.
  const data = of.data as T;
  return (
    <>
      {of.refusal !== null && <Refused refusal={of.refusal} again={again} />}
      {empty?.when(data) === true ? <div class="empty">{empty.say}</div> : children(data)}
    </>
  );
}

/** When the figures came, and a button for new ones; for the side of a page's heading. */
export function AsOf({ of }: { of: Asked<unknown> }) {
  return (
    <div class="as-of">
      {of.at !== null && <span class="aside">as of {clock(of.at)}</span>}
      <Button onClick={of.reload} busy={of.loading}>
        Refresh
      </Button>
    </div>
  );
}

export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

export interface Pages<Item> extends Asked<readonly Item[]> {
  /** Fetches the next page; null on the last one. */
  readonly more: (() => void) | null;
}

/** Like `useAnswer` for a list in pages: `load` is given the cursor of the page to fetch, undefined for the first. */
export function usePages<Item>(
  load: (cursor: string | undefined) => Promise<PageOf<Item>>,
  about: readonly unknown[],
): Pages<Item> {
  const [later, setLater] = useState<readonly PageOf<Item>[]>([]);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [fetching, setFetching] = useState(false);
  const first = useAnswer(async () => {
    const page = await load(undefined);
    setLater([]);
    setRefusal(null);
    return page;
  }, about);
  const next = (later.at(-1) ?? first.data)?.next ?? null;
  const more = async () => {
    if (next === null || fetching) return;
    setFetching(true);
    try {
      const page = await load(next);
      setLater((pages) => [...pages, page]);
      setRefusal(null);
    } catch (error) {
      setRefusal(asRefusal(error));
    } finally {
      setFetching(false);
    }
  };
  const items = first.data === null ? null : [...first.data.items, ...later.flatMap((page) => page.items)];
  return {
    ...first,
    data: items,
    loading: first.loading || fetching,
    refusal: refusal ?? first.refusal,
    more: next === null ? null : () => void more(),
  };
}

/** The button for the next page; nothing on the last one. */
export function More({ of }: { of: Pages<unknown> }) {
  if (of.more === null) return null;
  return (
    <p>
      <Button onClick={of.more} busy={of.loading}>
        Show more
      </Button>
    </p>
  );
}
