// The way in: a button that leaves for the provider and comes back to the page that was wanted.
// Rule: a page that needs a session is not even loaded without one; one whose session ended stays as it is.

import { useState } from "preact/hooks";
import type { Kind } from "../config";
import { Button, Notice } from "../ui/parts";
import { Page } from "../ui/page";
import { signIn, useSession } from "./session";

const WHO: Readonly<Record<Kind, string>> = { customer: "Sign in", operator: "Sign in as an operator" };

/** Signs in, and comes back to `to`, by default the page that is open. */
export function SignIn({ kind, to }: { kind: Kind; to?: string }) {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  const leave = () => {
    setBusy(true);
    signIn(kind, to).catch(() => {
      setBusy(false);
      setFailed(true);
    });
  };
  return (
    <>
      <Button look="primary" onClick={leave} busy={busy}>
        {WHO[kind]}
      </Button>
      {failed && (
        <Notice tone="bad" title="The sign-in page cannot be reached.">
          Check your connection, and try again.
        </Notice>
      )}
    </>
  );
}

/** What stands in the place of a page that needs a session. Somebody who is signed in as the other kind is told so. */
export function SignInPage({ kind }: { kind: Kind }) {
  const other = useSession(kind === "operator" ? "customer" : "operator");
  const whose = kind === "operator" ? "This page is for operators." : "This page shows what belongs to an account.";
  const role = kind === "operator" ? "customer" : "operator";
  return (
    <Page title="Sign in to go on">
      <p>
        {whose}
        {other !== null && ` You are signed in as the ${role} ${other.account}, which does not open it.`}
      </p>
      <SignIn kind={kind} />
    </Page>
  );
}

/** Says, above a page, that its session has ended; nothing where it has not. */
export function SessionEnded({ kind }: { kind: Kind }) {
  if (useSession(kind)?.ended !== true) return null;
  return (
    <Notice tone="warn" title="Your session has ended.">
      <p>Sign in again: what you entered is kept.</p>
      <SignIn kind={kind} />
    </Notice>
  );
}
