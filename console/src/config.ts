// What the console knows of the place it is served from: `/config.json`, read before anything else.
// Rule: one bundle runs everywhere; whatever differs from place to place is in this one file.

/** Who signs in: customers and operators have an issuer, a client and an API each. */
export type Kind = "customer" | "operator";

interface Door {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** What stands in front of `/v1` for this kind's API; empty at the same origin's root. */
  readonly api: string;
  /** More query parameters for the authorization request, such as an audience. */
  readonly extra?: Readonly<Record<string, string>>;
}

export interface Config extends Readonly<Record<Kind, Door>> {
  /** The base URL that a customer's client is pointed to. */
  readonly routerUrl: string;
  /** Which of the provider's tokens the APIs take. */
  readonly token: "access_token" | "id_token";
}

let loaded: Config | null = null;

/** Reads `/config.json` once, before anything is shown. Throws where it cannot be had. */
export async function loadConfig(): Promise<void> {
  const response = await fetch("/config.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`/config.json answered ${response.status}`);
  loaded = (await response.json()) as Config;
}

/** The configuration; only to be asked after `loadConfig`. */
export function config(): Config {
  if (loaded === null) throw new Error("the configuration is not loaded");
  return loaded;
}
