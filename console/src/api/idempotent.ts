// A sale that is bought once, however often it is sent: double click, reload, a lost answer.
// Rule: one order of a form is under way at a time, and its key (sent.ts) goes only with an answer.

import { useRef, useState } from "preact/hooks";
import type { Answer } from "./client";
import { asRefusal } from "./refusal";
import type { Refusal } from "./refusal";
import { openOf, sendOnce } from "./sent";

export interface Sale<Body, T> {
  /** Sends `body` under a key of its own, or again under the same where it is the one that was sent last. */
  readonly place: (body: Body) => Promise<void>;
  /** Sends once more what got no answer. */
  readonly again: () => Promise<void>;
  readonly busy: boolean;
  /** What was sent and got no certain answer: it may have been bought. Until it has one, nothing else should be sent. */
  readonly open: Body | null;
  readonly refusal: Refusal | null;
  readonly sold: Answer<T> | null;
  /** Lets the next order begin, after this one was withdrawn. */
  readonly forget: () => void;
}

/** One sale of `form` by `account`. `order` makes the call with the body and its `Idempotency-Key`. */
export function useSale<Body, T>(
  account: string,
  form: string,
  order: (body: Body, key: string) => Promise<Answer<T>>,
): Sale<Body, T> {
  const name = `${account}.${form}.sale`;
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [sold, setSold] = useState<Answer<T> | null>(null);
  const [open, setOpen] = useState(() => openOf(name) as Body | null);
  const running = useRef(false);

  async function place(body: Body): Promise<void> {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setRefusal(null);
    try {
      setSold(await sendOnce(name, body, order));
      setOpen(null);
    } catch (error) {
      setRefusal(asRefusal(error));
      setOpen(openOf(name) as Body | null);
    } finally {
      running.current = false;
      setBusy(false);
    }
  }

  const again = () => (open === null ? Promise.resolve() : place(open));
  return { place, again, busy, open, refusal, sold, forget: () => setSold(null) };
}
