// How the console is built: static files without inline script or style, so that a strict policy can serve them.
// Rule: nothing is inlined, and the build fails where a first view has grown above its budget (size.mjs).

import { defineConfig } from "vite";
import { budget } from "./size.mjs";

export default defineConfig({
  build: { target: "es2023", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  plugins: [budget(100_000)],
  test: { include: ["src/**/*.test.ts"] },
});
