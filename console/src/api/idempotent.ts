// A sale that is bought once, however often it is sent: double click, reload, a lost answer, a second tab of it.
// Rule: the key and the body it was made for are kept before anything is sent, and go only with an answer.

import { useRef, useState } from "preact/hooks";
import { keepDraft, readDraft } from "../session/draft";
import type { Answer } from "./client";
import { asRefusal } from "./refusal";
import type { Code, Refusal } from "./refusal";

interface Sent<Body> {
  readonly key: string;
  readonly body: Body;
}

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

/** Refusals from before the service looked: what an earlier attempt came to is as open as it was. */
const UNDECIDED: readonly Code[] = ["signed_out", "throttled"];

/** The body as it was sent, if one is open after a reload; a key is kept before anything goes out. */
function keyFor<Body>(name: string, body: Body): Sent<Body> {
  const kept = readDraft(name) as Sent<Body> | null;
  if (kept !== null && JSON.stringify(kept.body) === JSON.stringify(body)) return kept;
  const sent = { key: crypto.randomUUID(), body };
  keepDraft(name, sent);
  return sent;
}

/** One sale of `form` by `account`. `send` makes the call with the body and its `Idempotency-Key`. */
export function useSale<Body, T>(
  account: string,
  form: string,
  send: (body: Body, key: string) => Promise<Answer<T>>,
): Sale<Body, T> {
  const name = `${account}.${form}.sale`;
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [sold, setSold] = useState<Answer<T> | null>(null);
  const [open, setOpen] = useState<Body | null>(() => (readDraft(name) as Sent<Body> | null)?.body ?? null);
  const running = useRef(false);

  async function place(body: Body): Promise<void> {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setRefusal(null);
    const sent = keyFor(name, body);
    try {
      setSold(await send(sent.body, sent.key));
      keepDraft(name, null);
      setOpen(null);
    } catch (error) {
      const why = asRefusal(error);
      setRefusal(why);
      if (UNDECIDED.includes(why.code)) return;
      if (!why.unknownOutcome) keepDraft(name, null);
      setOpen(why.unknownOutcome ? body : null);
    } finally {
      running.current = false;
      setBusy(false);
    }
  }

  const again = () => (open === null ? Promise.resolve() : place(open));
  return { place, again, busy, open, refusal, sold, forget: () => setSold(null) };
}
