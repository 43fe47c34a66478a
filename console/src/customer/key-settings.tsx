// The key of a subscription: replaced by a new one, or revoked without one.
// Rule: the consequence is told first; where no answer came, the page says that the old key may have stopped.

import { useEffect, useRef, useState } from "preact/hooks";
import { customerApi, read } from "../api/client";
import type { Subscription } from "../api/types";
import { KeyShown } from "../subscription/key-shown";
import { Confirm, useDoing } from "../ui/dialog";
import type { Doing } from "../ui/dialog";
import { announce } from "../ui/page";
import { Button, Notice } from "../ui/parts";

interface Props {
  readonly subscription: Subscription;
  readonly reload: () => void;
}

type Way = "replace" | "revoke";

interface Words {
  readonly title: string;
  readonly action: string;
  readonly told: string;
  readonly done: string;
}

const WORDS: Readonly<Record<Way, Words>> = {
  replace: {
    title: "Make a new key?",
    action: "Make a new key",
    told: "The key in use is refused from the very next request on: whoever uses it needs the new one. Usage, limits and open requests stay. It costs nothing.",
    done: "A new key was made.",
  },
  revoke: {
    title: "Revoke the key?",
    action: "Revoke the key",
    told: "It is refused from the very next request on, and nothing can be used until you make a new key. The term goes on and ends as before; nothing is refunded. Open requests are still settled.",
    done: "The key was revoked.",
  },
};

interface AskProps {
  readonly way: Way;
  readonly doing: Doing;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

function Ask({ way, doing, onConfirm, onClose }: AskProps) {
  const { title, action, told } = WORDS[way];
  return (
    <Confirm
      title={title}
      action={action}
      danger
      busy={doing.busy}
      refusal={doing.refusal}
      onConfirm={onConfirm}
      onClose={onClose}
    >
      <p>{told}</p>
      {doing.refusal?.unknownOutcome === true && (
        <p>It may have been done all the same, so that the old key has stopped. Doing it again is safe.</p>
      )}
    </Confirm>
  );
}

/** The new key, which takes the focus. */
function NewKey({ apiKey, subscription }: { apiKey: string; subscription: Subscription }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus(), []);
  return (
    <div ref={place} tabIndex={-1}>
      <KeyShown apiKey={apiKey} example={subscription.models[0] ?? null} />
    </div>
  );
}

function KeyNow({ subscription: { apiKeyMasked, status } }: { subscription: Subscription }) {
  return (
    <>
      <p>
        {apiKeyMasked === null ? (
          "There is no key: nothing can be used until you make one."
        ) : (
          <code>{apiKeyMasked}</code>
        )}
      </p>
      {status === "suspended" && (
        <Notice tone="warn">While the subscription is suspended, no new key can be made.</Notice>
      )}
      {status === "pending" && <Notice tone="warn">A new key can be made once the purchase is confirmed.</Notice>}
    </>
  );
}

/** Answers the key that was made, or null. */
async function change(way: Way, subscriptionId: string): Promise<string | null> {
  const params = { path: { subscriptionId } };
  if (way === "replace")
    return (await read(customerApi().POST("/v1/subscriptions/{subscriptionId}/key", { params }))).apiKey;
  await read(customerApi().DELETE("/v1/subscriptions/{subscriptionId}/key", { params }));
  return null;
}

export function KeySettings({ subscription, reload }: Props) {
  const { subscriptionId, apiKeyMasked, status } = subscription;
  const [way, setWay] = useState<Way | null>(null);
  const [made, setMade] = useState<string | null>(null);
  const doing = useDoing();
  const confirm = async (chosen: Way) => {
    const done = await doing.run(async () => setMade(await change(chosen, subscriptionId)));
    reload();
    if (!done) return;
    setWay(null);
    announce(WORDS[chosen].done);
  };
  const close = () => {
    doing.forget();
    setWay(null);
  };
  return (
    <section class="card" aria-label="API key">
      <h2>API key</h2>
      <KeyNow subscription={subscription} />
      <div class="actions">
        <Button disabled={status !== "active"} onClick={() => setWay("replace")}>
          {apiKeyMasked === null ? "Make a key …" : "Replace the key …"}
        </Button>
        <Button disabled={apiKeyMasked === null} onClick={() => setWay("revoke")}>
          Revoke the key …
        </Button>
      </div>
      {way !== null && <Ask way={way} doing={doing} onConfirm={() => void confirm(way)} onClose={close} />}
      {made !== null && <NewKey key={made} apiKey={made} subscription={subscription} />}
    </section>
  );
}
