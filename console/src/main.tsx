// Where the console begins: the place it is served from, who is signed in, then the first page.
// Rule: nothing is drawn before both are known, so no page is ever drawn for the wrong reader.

import { render } from "preact";
import { App } from "./app";
import { loadConfig } from "./config";
import { followAddress } from "./router";
import { startSessions } from "./session/session";
import "./styles.css";
import { applyTheme } from "./theme";
import { Notice } from "./ui/parts";

function Unreachable() {
  return (
    <main>
      <h1>Modelpass</h1>
      <Notice tone="bad" title="The console cannot reach its service.">
        Check your connection, and load this page again.
      </Notice>
    </main>
  );
}

async function start(root: HTMLElement): Promise<void> {
  applyTheme();
  try {
    await loadConfig();
    const failure = await startSessions();
    followAddress();
    render(<App failure={failure} />, root);
  } catch {
    render(<Unreachable />, root);
  }
}

const root = document.getElementById("app");
if (root !== null) void start(root);
