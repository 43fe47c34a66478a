// What an operator does to one subscription: suspend, resume, correct, give back, revoke its key.
// Rule: each says what comes of it and asks for its reason; afterwards the page asks for the subscription anew.

import { useState } from "preact/hooks";
import { operatorApi, read } from "../api/client";
import type { SeenByOperator } from "../api/types";
import { useSession } from "../session/session";
import type { Seen } from "../subscription/overview";
import { ReasonDialog } from "../ui/dialog";
import { announce } from "../ui/page";
import { Button } from "../ui/parts";
import { BookedNotice, CorrectDialog } from "./correct";
import type { Booked } from "./correct";

type Act = "suspend" | "resume" | "revoke";
type Asked = Act | "correct" | "give-back";

interface Words {
  readonly button: string;
  readonly title: string;
  readonly consequence: string;
  readonly action: string;
  readonly done: string;
  readonly danger?: true;
}

const WORDS: Readonly<Record<Act, Words>> = {
  suspend: {
    button: "Suspend",
    title: "Suspend the subscription?",
    consequence:
      "Its key grants nothing from the very next request on, until it is resumed. What is open is still settled, its time goes on, and it is not renewed meanwhile. The customer sees that it is suspended.",
    action: "Suspend it",
    done: "The subscription is suspended.",
    danger: true,
  },
  resume: {
    button: "Resume",
    title: "Let the subscription go on?",
    consequence: "Its key is good again from the very next request on, unless its term has ended meanwhile.",
    action: "Let it go on",
    done: "The subscription goes on.",
  },
  revoke: {
    button: "Revoke the key",
    title: "Revoke the key?",
    consequence:
      "It fails on the very next request, for good. There is no other one until the customer makes it, in the settings of the subscription. Usage and open holds stay.",
    action: "Revoke the key",
    done: "The key was revoked.",
    danger: true,
  },
};

function carryOut(act: Act, subscriptionId: string, reason: string): Promise<unknown> {
  const api = operatorApi(reason);
  const params = { path: { subscriptionId } };
  if (act === "revoke") return read(api.DELETE("/v1/subscriptions/{subscriptionId}/key", { params }));
  if (act === "resume") return read(api.DELETE("/v1/subscriptions/{subscriptionId}/suspension", { params }));
  return read(api.PUT("/v1/subscriptions/{subscriptionId}/suspension", { params, body: { reason } }));
}

function possible({ status, suspension, apiKeyMasked }: SeenByOperator): readonly Act[] {
  const over = status === "cancelled" || status === "pending";
  const acts: Act[] = [];
  if (suspension !== null && !over) acts.push("resume");
  if (suspension === null && !over) acts.push("suspend");
  if (apiKeyMasked !== null && !over) acts.push("revoke");
  return acts;
}

type SeenHere = Seen & { readonly subscription: SeenByOperator };

function Buttons({ seen: { subscription, usage }, onAsk }: { seen: SeenHere; onAsk: (asked: Asked) => void }) {
  const counts = subscription.status !== "pending" && usage.models.length > 0;
  return (
    <div class="actions" role="group" aria-label="What you can do">
      {counts && <Button onClick={() => onAsk("correct")}>Correct usage</Button>}
      {counts && <Button onClick={() => onAsk("give-back")}>Give calls back</Button>}
      {possible(subscription).map((act) => (
        <Button key={act} onClick={() => onAsk(act)}>
          {WORDS[act].button}
        </Button>
      ))}
    </div>
  );
}

interface AskProps {
  readonly asked: Asked;
  readonly seen: SeenHere;
  readonly onDone: (said: string, booked: Booked | null) => void;
  readonly onClose: () => void;
}

function Ask({ asked, seen, onDone, onClose }: AskProps) {
  const operator = useSession("operator");
  if (asked === "correct" || asked === "give-back") {
    return (
      <CorrectDialog
        account={operator?.account ?? ""}
        way={asked}
        seen={seen}
        onDone={(booked) => onDone("The correction was booked.", booked)}
        onClose={onClose}
      />
    );
  }
  const { title, action, danger, done, consequence } = WORDS[asked];
  return (
    <ReasonDialog
      title={title}
      action={action}
      danger={danger === true}
      param={asked === "suspend" ? "reason" : "X-Request-Reason"}
      work={(reason) => carryOut(asked, seen.subscription.subscriptionId, reason)}
      onDone={() => onDone(done, null)}
      onClose={onClose}
    >
      <p>{consequence}</p>
    </ReasonDialog>
  );
}

/** What can be done now. `onDone` is called after something was: ask anew. */
export function Actions({ seen, onDone }: { seen: SeenHere; onDone: () => void }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [booked, setBooked] = useState<Booked | null>(null);
  const close = () => setAsked(null);
  const done = (said: string, correction: Booked | null) => {
    close();
    setBooked(correction);
    announce(said);
    onDone();
  };
  return (
    <>
      <Buttons seen={seen} onAsk={setAsked} />
      {booked !== null && <BookedNotice booked={booked} zone={seen.subscription.timezone} />}
      {asked !== null && <Ask asked={asked} seen={seen} onDone={done} onClose={close} />}
    </>
  );
}
