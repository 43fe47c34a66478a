// What was sent of a sale and waits for its answer: the body and its key, kept before anything goes out.
// Rule: the same body goes out under the same key until there is an answer that tells what became of it; any other body
// has a key of its own.

import { keepDraft, readDraft } from "../session/draft";
import { asRefusal } from "./refusal";
import type { Code, Refusal } from "./refusal";

export interface Sent<Body> {
  readonly key: string;
  readonly body: Body;
}

/** Refusals from before the service looked: what an earlier attempt came to is as open as it was. */
const UNDECIDED: readonly Code[] = ["signed_out", "throttled"];

/** What is open under `name`, as after a reload; null where nothing is. */
export function openOf(name: string): unknown {
  return (readDraft(name) as Sent<unknown> | null)?.body ?? null;
}

/** The key for `body`, kept under `name`: that of an earlier attempt with the same body, else a new one. */
export function send<Body>(name: string, body: Body): Sent<Body> {
  const kept = readDraft(name) as Sent<Body> | null;
  if (kept !== null && JSON.stringify(kept.body) === JSON.stringify(body)) return kept;
  const sent = { key: crypto.randomUUID(), body };
  keepDraft(name, sent);
  return sent;
}

/** There is an answer: nothing is open any more. */
export function answered(name: string): void {
  keepDraft(name, null);
}

/** Whether `body` is open after it was refused by `why`. `was` tells whether it had been open before it was sent. */
export function openAfter(name: string, why: Refusal, was: boolean): boolean {
  const open = why.unknownOutcome || (was && UNDECIDED.includes(why.code));
  if (!open) answered(name);
  return open;
}

/** Sends `body` under its key, and keeps it open under `name` where what came of it is not known. Answers what `order`
 * does with the body and its `Idempotency-Key`; throws a Refusal. */
export async function sendOnce<Body, T>(
  name: string,
  body: Body,
  order: (body: Body, key: string) => Promise<T>,
): Promise<T> {
  const was = openOf(name) !== null;
  const { key } = send(name, body);
  try {
    const got = await order(body, key);
    answered(name);
    return got;
  } catch (error) {
    const why = asRefusal(error);
    openAfter(name, why, was);
    throw why;
  }
}
