// Who is signed in: OpenID Connect's code flow with PKCE, for customers and for operators, each by themselves.
// Rule: tokens are in session storage and nowhere else: they end with the tab, and are never logged or shown.

import { UserManager, WebStorageStateStore } from "oidc-client-ts";
import type { User } from "oidc-client-ts";
import { config } from "../config";
import type { Kind } from "../config";
import { store, useStore } from "../store";
import { forgetDrafts } from "./draft";

export interface Session {
  /** The subject of the identity token: whose drafts these are, and what is shown as the name. */
  readonly account: string;
  /** The provider or the API has said that it is over; what is on the page stays until the next sign-in. */
  readonly ended: boolean;
}

const KINDS: readonly Kind[] = ["customer", "operator"];
const sessions = { customer: store<Session | null>(null), operator: store<Session | null>(null) };
const managers: Partial<Record<Kind, UserManager>> = {};
const refreshing = new Map<Kind, Promise<User | null>>();

function manager(kind: Kind): UserManager {
  const door = config()[kind];
  const home = `${location.origin}/`;
  return (managers[kind] ??= new UserManager({
    authority: door.issuer,
    client_id: door.clientId,
    scope: door.scope,
    redirect_uri: home,
    post_logout_redirect_uri: home,
    response_type: "code",
    response_mode: "query",
    extraQueryParams: { ...door.extra },
    automaticSilentRenew: false,
    userStore: new WebStorageStateStore({ store: sessionStorage, prefix: `session.${kind}.` }),
    stateStore: new WebStorageStateStore({ store: sessionStorage, prefix: `sign-in.${kind}.` }),
  }));
}

function tell(kind: Kind, user: User | null): void {
  sessions[kind].set(user === null ? null : { account: user.profile.sub, ended: user.expired === true });
}

/** Takes up what this tab has: the answer to a sign-in in the address, or a session from before a reload.
 * Answers why a sign-in failed, in the provider's words, or null. */
export async function startSessions(): Promise<string | null> {
  const query = new URLSearchParams(location.search);
  let failure: string | null = null;
  for (const kind of KINDS) {
    const answered = sessionStorage.getItem(`sign-in.${kind}.${query.get("state") ?? ""}`) !== null;
    if (!answered) continue;
    const route = routeOf(kind, query.get("state") ?? "");
    try {
      await manager(kind).signinRedirectCallback();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    history.replaceState(null, "", `/${route}`);
  }
  if (location.search !== "") history.replaceState(null, "", `/${location.hash}`);
  for (const kind of KINDS) {
    const kept = await manager(kind).getUser();
    tell(kind, kept?.expired === true ? await refresh(kind) : kept);
  }
  return failure;
}

/** The page that was wanted when the sign-in began, as a hash. */
function routeOf(kind: Kind, state: string): string {
  const kept = sessionStorage.getItem(`sign-in.${kind}.${state}`);
  const data = kept === null ? null : (JSON.parse(kept) as { data?: unknown }).data;
  return typeof data === "string" && data.startsWith("#/") ? data : "#/";
}

/** Leaves for the provider; after it, the page `route` is shown, by default the one that is open. */
export async function signIn(kind: Kind, route = location.hash): Promise<void> {
  await manager(kind).signinRedirect({ state: route });
}

/** Ends the session here, with all drafts, and at the provider where it offers that. */
export async function signOut(kind: Kind): Promise<void> {
  forgetDrafts();
  const provider = manager(kind);
  try {
    await provider.signoutRedirect();
  } catch {
    // The provider offers no sign-out, or cannot be reached: the session ends here.
    await provider.removeUser();
    tell(kind, null);
  }
}

/** The session of `kind`, null where nobody is signed in. */
export function useSession(kind: Kind): Session | null {
  return useStore(sessions[kind]);
}

/** The session as it is now, outside a view. */
export function session(kind: Kind): Session | null {
  return sessions[kind].get();
}

/** Remembers that the session is over, so that every page says so and offers to sign in again. */
export function endSession(kind: Kind): void {
  const now = session(kind);
  if (now !== null && !now.ended) sessions[kind].set({ ...now, ended: true });
}

/** The token to send now, refreshed where it ends within half a minute; null where there is none any more. */
export async function bearer(kind: Kind): Promise<string | null> {
  const user = await manager(kind).getUser();
  const left = user?.expires_in ?? Infinity;
  const now = user !== null && left < 30 ? await refresh(kind) : user;
  if (now === null || now.expired === true) return null;
  return (config().token === "id_token" ? now.id_token : now.access_token) ?? null;
}

/** A fresh user by the refresh token; null where there is none, or where the provider refuses it. */
function refresh(kind: Kind): Promise<User | null> {
  const running = refreshing.get(kind) ?? renew(kind).finally(() => refreshing.delete(kind));
  refreshing.set(kind, running);
  return running;
}

async function renew(kind: Kind): Promise<User | null> {
  const user = await manager(kind).getUser();
  if (user?.refresh_token === undefined) return null;
  try {
    return await manager(kind).signinSilent();
  } catch {
    return null;
  }
}
