// What a first view costs on the wire, measured where it is built.
// Rule: a first view is index.html, the styles, and every script that one page needs, each compressed as it is served.

import { gzipSync } from "node:zlib";

/** The names of the chunks that `name` loads at once, itself among them. */
function closure(bundle, name, seen = new Set()) {
  if (!seen.has(name)) {
    seen.add(name);
    for (const other of bundle[name].imports ?? []) closure(bundle, other, seen);
  }
  return seen;
}

/** A plug-in that fails the build when a page's first view has more than `limit` bytes, compressed by gzip. */
export function budget(limit) {
  return {
    name: "first-view-budget",
    enforce: "post",
    writeBundle(_options, bundle) {
      const size = (name) => gzipSync(bundle[name].code ?? bundle[name].source).length;
      const entry = Object.keys(bundle).find((name) => bundle[name].isEntry);
      const always = [...closure(bundle, entry), ...Object.keys(bundle).filter((name) => /\.(html|css)$/.test(name))];
      const views = Object.keys(bundle)
        .filter((name) => bundle[name].isDynamicEntry)
        .map((page) => [page, new Set([...always, ...closure(bundle, page)])])
        .map(([page, names]) => [page, [...names].reduce((sum, name) => sum + size(name), 0)])
        .sort((one, other) => other[1] - one[1]);
      const [page, bytes] = views[0];
      const kilo = (number) => `${(number / 1000).toFixed(1)} kB`;
      console.log(
        `The largest of ${views.length} first views is ${kilo(bytes)} compressed (${page}); at most ${kilo(limit)}.`,
      );
      if (bytes > limit) throw new Error(`${page}: a first view of ${kilo(bytes)} is above ${kilo(limit)}`);
    },
  };
}
