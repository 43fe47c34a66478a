// Why a call failed, in one shape, whoever refused it: a function, API Gateway, or the way there.
// Rule: every failure of a call is a Refusal, and pages tell it by its code; they never look at a status or a body.

import type { components } from "./schema";

/** The codes of docs/errors.md. */
export type ServiceCode = components["schemas"]["ErrorDetail"]["code"];

/** Those and what only a client can see: no connection, a session that is over, a throttle or a limit of the gateway. */
export type Code = ServiceCode | "unreachable" | "signed_out" | "throttled" | "too_large" | "unexpected";

export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly code: Code,
    /** The HTTP status; 0 where no answer came. */
    readonly status: number,
    message: string,
    /** The field, header or claim at fault. */
    readonly param: string | null = null,
    /** Whole seconds after which the same can succeed, where that is known. */
    readonly retryAfter: number | null = null,
    /** What the log has the call under. */
    readonly requestId: string | null = null,
  ) {
    super(message);
  }

  /** Whether the call may have been carried out all the same. */
  get unknownOutcome(): boolean {
    return ["unreachable", "internal_error", "temporarily_unavailable", "unexpected"].includes(this.code);
  }
}

const OF_GATEWAY: Partial<Record<number, Code>> = {
  401: "signed_out",
  403: "forbidden",
  404: "not_found",
  413: "too_large",
  429: "throttled",
  503: "temporarily_unavailable",
};

interface Body {
  readonly message?: string;
  readonly error?: { readonly code: ServiceCode; readonly message: string; readonly param: string | null };
}

/** The refusal that an answer tells. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const text = await response.text();
  let body: Body = {};
  try {
    body = JSON.parse(text) as Body;
  } catch {
    // Not the service's form: the status alone tells.
  }
  const after = Number(response.headers.get("Retry-After") ?? "");
  const code = body.error?.code ?? OF_GATEWAY[response.status] ?? "unexpected";
  const message = body.error?.message ?? body.message ?? `The service answered ${response.status}.`;
  const id = response.headers.get("apigw-requestid") ?? response.headers.get("x-amzn-requestid");
  return new Refusal(code, response.status, message, body.error?.param ?? null, after > 0 ? after : null, id);
}

/** Any failure as a refusal: what is none yet, came on the way. */
export function asRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal("unreachable", 0, "No answer came from the service.");
}
