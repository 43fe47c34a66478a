// The way to the service: one that forgives a hiccup where nothing can happen twice.
// Rule: a GET alone is repeated, and once.

const AGAIN_AFTER_MS = 300;

/** `fetch`, but a GET that met no answer, or a 502 to 504, is sent once more after `pauseMs`. */
export async function fetchTwice(request: Request, pauseMs = AGAIN_AFTER_MS): Promise<Response> {
  if (request.method !== "GET") return fetch(request);
  const first = await fetch(request.clone()).catch(() => null);
  if (first !== null && (first.status < 502 || first.status > 504)) return first;
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  return fetch(request);
}
