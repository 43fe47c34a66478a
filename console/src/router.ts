// Which page the address asks for: the part behind `#`, so that any file server can serve the console.
// Rule: a parameter is one part between slashes, percent-encoded; what no route knows is the page "not found".

import { store } from "./store";

/** The path behind the hash, without it: `/subscriptions/sub_…/change`. */
export function pathOf(hash: string): string {
  const path = hash.replace(/^#/, "").split("?")[0] ?? "";
  return path === "" ? "/" : path;
}

/** The path that is shown. */
export const path = store("/");

/** Follows the address from now on. */
export function followAddress(): void {
  const read = () => path.set(pathOf(location.hash));
  addEventListener("hashchange", read);
  read();
}

/** The parameters of `pattern` in `path`, where it fits: `/a/:id` fits `/a/7` as `{id: "7"}`. Null where it does not. */
export function match(pattern: string, path: string): Readonly<Record<string, string>> | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, want] of wanted.entries()) {
    const have = given[index] ?? "";
    if (want.startsWith(":") && have !== "") {
      try {
        params[want.slice(1)] = decodeURIComponent(have);
      } catch {
        return null;
      }
    } else if (want !== have) return null;
  }
  return params;
}

/** Goes to the page at `path`. */
export function go(path: string): void {
  location.hash = path;
}

/** Which of `links` the page at `path` belongs to: the longest one that it is, or lies below; null where none is. */
export function linkOf(links: readonly string[], path: string): string | null {
  const over = links.filter((link) => path === link || path.startsWith(`${link}/`));
  return over.reduce<string | null>((best, link) => (link.length > (best?.length ?? 0) ? link : best), null);
}
