// How pages call the service: clients whose paths, bodies and answers are typed by docs/openapi.json.
// Rule: nothing is repeated but a GET, once; a sale is made safe to repeat by its key alone (idempotent.ts).

import createClient from "openapi-fetch";
import type { Client } from "openapi-fetch";
import { config } from "../config";
import type { Kind } from "../config";
import { bearer, endSession } from "../session/session";
import { fetchTwice } from "./fetch-twice";
import { Refusal, asRefusal, refusalOf } from "./refusal";
import type { paths } from "./schema";

export type Api = Client<paths>;

function client(base: string, token: () => Promise<string>, refused: (refusal: Refusal) => void, reason?: string): Api {
  const api = createClient<paths>({ baseUrl: base, fetch: (request) => fetchTwice(request) });
  api.use({
    async onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${await token()}`);
      if (reason !== undefined) request.headers.set("X-Request-Reason", encodeURIComponent(reason));
    },
    async onResponse({ response }) {
      if (response.ok) return;
      const refusal = await refusalOf(response);
      refused(refusal);
      throw refusal;
    },
    onError: ({ error }) => asRefusal(error),
  });
  return api;
}

function signedIn(kind: Kind, reason?: string): Api {
  const over = () => endSession(kind);
  const token = async () => {
    const now = await bearer(kind);
    if (now !== null) return now;
    over();
    throw new Refusal("signed_out", 401, "Nobody is signed in.");
  };
  const refused = ({ code }: Refusal) => {
    if (code === "signed_out") over();
  };
  return client(location.origin + config()[kind].api, token, refused, reason);
}

/** The customers' API, as the customer who is signed in. */
export function customerApi(): Api {
  return signedIn("customer");
}

/** The operators' API; `reason` is what a call that changes something is logged with. */
export function operatorApi(reason?: string): Api {
  return signedIn("operator", reason);
}

/** The API of `kind`, for pages that both look at. */
export function apiOf(kind: Kind): Api {
  return signedIn(kind);
}

/** The customers' API as whoever bears `apiKey`, for the two calls that take one. */
export function keyApi(apiKey: string): Api {
  const token = () => Promise.resolve(apiKey);
  return client(location.origin + config().customer.api, token, () => undefined);
}

/** An id of a model, plan or account as a path parameter: those are percent-encoded twice, once here. */
export function pathId(id: string): string {
  return encodeURIComponent(id);
}

interface Raw<T> {
  readonly data?: T;
  readonly response: Response;
}

export interface Answer<T> {
  readonly data: T;
  readonly status: number;
  /** The service had answered this `Idempotency-Key` before. */
  readonly replayed: boolean;
  /** What names this version in the `If-Match` of a change; null where the answer has none. */
  readonly etag: string | null;
}

/** What a call answered, with what its status and headers tell; throws a Refusal where it was refused. */
export async function answer<T>(call: Promise<Raw<T>>): Promise<Answer<T>> {
  const { data, response } = await call;
  const replayed = response.headers.get("Idempotent-Replayed") === "true";
  return { data: data as T, status: response.status, replayed, etag: response.headers.get("ETag") };
}

/** The body that a call answered; throws a Refusal where it was refused. */
export async function read<T>(call: Promise<Raw<T>>): Promise<T> {
  return (await answer(call)).data;
}
