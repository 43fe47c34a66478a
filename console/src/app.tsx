// The shell around every page: the head with its links, the page that the address asks for, the foot.
// Rule: it knows the routes, and nothing of what a page does.

import type { ComponentType } from "preact";
import { Component } from "preact";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Kind } from "./config";
import { linkOf, match, path } from "./router";
import { ROUTES } from "./routes";
import type { Params, Route } from "./routes";
import { SessionEnded, SignInPage } from "./session/sign-in";
import { signOut, useSession } from "./session/session";
import { useStore } from "./store";
import { ThemeSwitch } from "./theme";
import { Announcements, Page } from "./ui/page";
import { Button, Notice } from "./ui/parts";

const LINKS: Readonly<Record<Kind, readonly (readonly [string, string])[]>> = {
  customer: [
    ["/", "Overview"],
    ["/buy", "Buy"],
    ["/orders", "Orders"],
  ],
  operator: [
    ["/operator", "Find"],
    ["/operator/catalogue", "Catalogue"],
    ["/operator/tiers", "Tiers"],
    ["/operator/orders", "Pending orders"],
  ],
};

function Links({ kind, here }: { kind: Kind; here: string }) {
  const session = useSession(kind);
  if (session === null) return null;
  const current = linkOf(
    LINKS[kind].map(([to]) => to),
    here,
  );
  return (
    <nav class="links" aria-label={kind === "operator" ? "Operator" : "Customer"}>
      {LINKS[kind].map(([to, name]) => (
        <a key={to} href={`#${to}`} aria-current={to === current ? "page" : undefined}>
          {name}
        </a>
      ))}
      <span class="who">
        {kind === "operator" ? "Operator " : ""}
        {session.account}
      </span>
      <Button onClick={() => void signOut(kind)} label={kind === "operator" ? "Sign out as operator" : "Sign out"}>
        Sign out
      </Button>
    </nav>
  );
}

interface Found {
  readonly route: Route;
  readonly params: Params;
}

function find(here: string): Found | null {
  for (const route of ROUTES) {
    const params = match(route.path, here);
    if (params !== null) return { route, params };
  }
  return null;
}

function NotFound() {
  return (
    <Page title="There is no such page">
      <p>
        Check the address, or go to the <a href="#/">overview</a>.
      </p>
    </Page>
  );
}

/** The page of `route`, loaded when it is come to. */
function Loaded({ route, params }: Found) {
  const [page, setPage] = useState<ComponentType<{ params: Params }> | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    route.load().then(
      (module) => setPage(() => module.default),
      () => setFailed(true),
    );
  }, [route]);
  if (failed) return <Broken />;
  if (page === null)
    return (
      <p class="loading" role="status">
        Loading …
      </p>
    );
  const Shown = page;
  return <Shown params={params} />;
}

function Broken() {
  return (
    <Page title="This page could not be shown">
      <Notice tone="bad">
        <p>
          It may be that the console was renewed meanwhile, or that the connection was lost. What you entered is kept.
        </p>
        <Button onClick={() => location.reload()}>Load it again</Button>
      </Notice>
    </Page>
  );
}

/** Keeps a fault of one page from taking the shell with it. */
class Guard extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  override state = { broken: false };

  static override getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

function Main({ here }: { here: string }) {
  const found = find(here);
  const sessions = { customer: useSession("customer"), operator: useSession("operator") };
  if (found === null) return <NotFound />;
  const kind = found.route.for;
  if (kind === null) {
    return (
      <>
        <SessionEnded kind="customer" />
        <Loaded {...found} />
      </>
    );
  }
  if (sessions[kind] === null) return <SignInPage kind={kind} />;
  return (
    <>
      <SessionEnded kind={kind} />
      <Loaded key={sessions[kind].account} {...found} />
    </>
  );
}

export function App({ failure }: { failure: string | null }) {
  const here = useStore(path);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>("main")?.focus();
        }}
      >
        Skip to the page
      </a>
      <header class="shell">
        <a class="brand" href="#/">
          Modelpass
        </a>
        <Links kind="customer" here={here} />
        <Links kind="operator" here={here} />
      </header>
      <main id="main" tabIndex={-1}>
        {failure !== null && (
          <Notice tone="bad" title="The sign-in did not succeed.">
            {failure}
          </Notice>
        )}
        <Guard key={here}>
          <Main here={here} />
        </Guard>
      </main>
      <footer class="shell">
        <ThemeSwitch />
        <a href="#/key">Look at a key</a>
      </footer>
      <Announcements />
    </>
  );
}
