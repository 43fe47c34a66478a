// The live price of an order while it is put together.
// Rule: it is the service's own quote, asked for when the reader pauses; an answer that was overtaken is dropped, and a
// price that is not that of what is entered is never shown as if it were.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { customerApi, read } from "../api/client";
import { Refusal, asRefusal } from "../api/refusal";
import type { QuoteRequest, SaleQuote } from "../api/types";

export interface Quoted<Q> {
  /** The price of what is entered; null while it is asked for, and where there is none. */
  readonly quote: Q | null;
  readonly refusal: Refusal | null;
  readonly loading: boolean;
  /** Asks once more, as after a price has changed. */
  readonly reload: () => void;
}

const PAUSE_MS = 300;

/** The price of `body`, asked for by `ask` when it has stayed the same for a moment; none while `body` is null. */
export function useQuote<Body, Q>(body: Body | null, ask: (body: Body) => Promise<Q>): Quoted<Q> {
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{
    readonly of: string;
    readonly quote: Q | null;
    readonly refusal: Refusal | null;
  } | null>(null);
  const topic = body === null ? "" : JSON.stringify([round, body]);
  const latest = useRef({ body, ask });
  latest.current = { body, ask };
  useEffect(() => {
    if (topic === "") return undefined;
    let overtaken = false;
    const timer = setTimeout(() => {
      const now = latest.current;
      if (now.body === null) return;
      now.ask(now.body).then(
        (quote) => overtaken || setState({ of: topic, quote, refusal: null }),
        (error: unknown) => overtaken || setState({ of: topic, quote: null, refusal: asRefusal(error) }),
      );
    }, PAUSE_MS);
    return () => {
      overtaken = true;
      clearTimeout(timer);
    };
  }, [topic]);
  const current = state?.of === topic ? state : null;
  return {
    quote: current?.quote ?? null,
    refusal: current?.refusal ?? null,
    loading: topic !== "" && current === null,
    reload: useCallback(() => setRound((old) => old + 1), []),
  };
}

/** The service's quote of a sale to subscription `id`. Where it is refused, `param` names the field as the sale itself
 * would. */
export async function quoteSale(id: string, body: QuoteRequest): Promise<SaleQuote> {
  try {
    return await read(
      customerApi().POST("/v1/subscriptions/{subscriptionId}/quotes", {
        params: { path: { subscriptionId: id } },
        body,
      }),
    );
  } catch (error) {
    const { code, status, message, param, retryAfter, requestId } = asRefusal(error);
    throw new Refusal(
      code,
      status,
      message,
      param?.replace(/^(renew|extend|change|topUp)\./, "") ?? null,
      retryAfter,
      requestId,
    );
  }
}
