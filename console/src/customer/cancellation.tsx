// Ending a subscription before its term.
// Rule: that nothing is refunded, and what stops, is told and acknowledged first; what ends it at its term is named beside it.

import { useState } from "preact/hooks";
import { customerApi, read } from "../api/client";
import type { Subscription } from "../api/types";
import { Confirm, useDoing } from "../ui/dialog";
import { TickField } from "../ui/inputs";
import { announce } from "../ui/page";
import { Button, Instant } from "../ui/parts";

interface Props {
  readonly subscription: Subscription;
  readonly reload: () => void;
}

function Lost({ subscription: { status, expiresAt, timezone } }: { subscription: Subscription }) {
  return (
    <ul>
      <li>Its key is refused from the very next request on. What is under way is still settled.</li>
      <li>
        Nothing is refunded
        {expiresAt !== null && (
          <>
            , although it was paid until <Instant at={expiresAt} zone={timezone} />
          </>
        )}
        .
      </li>
      {status === "pending" && <li>The order that waits for its confirmation is withdrawn.</li>}
      <li>It is never renewed. You may buy a new subscription at once.</li>
    </ul>
  );
}

/** The question, with what is lost; `onDone` is called once it was cancelled. */
function Ask({
  subscription,
  onDone,
  onClose,
}: {
  subscription: Subscription;
  onDone: () => void;
  onClose: () => void;
}) {
  const [known, setKnown] = useState(false);
  const doing = useDoing();
  const params = { path: { subscriptionId: subscription.subscriptionId } };
  const cancel = async () => {
    if (await doing.run(() => read(customerApi().POST("/v1/subscriptions/{subscriptionId}/cancel", { params }))))
      onDone();
  };
  return (
    <Confirm
      title="Cancel the subscription now?"
      action="Cancel it for good"
      danger
      disabled={!known}
      busy={doing.busy}
      refusal={doing.refusal}
      onConfirm={() => void cancel()}
      onClose={onClose}
    >
      <Lost subscription={subscription} />
      <TickField label="I know that this cannot be undone" checked={known} onValue={setKnown} />
    </Confirm>
  );
}

export function Cancellation({ subscription, reload }: Props) {
  const { autoRenew, status } = subscription;
  const [asking, setAsking] = useState(false);
  const done = () => {
    setAsking(false);
    announce("The subscription was cancelled.");
    reload();
  };
  return (
    <section class="card" aria-label="Cancel">
      <h2>Cancel</h2>
      <p>
        This ends the subscription now, and nothing is refunded.
        {autoRenew && status !== "pending" && " To let it end with its term, switch off that it renews itself instead."}
      </p>
      <Button look="danger" onClick={() => setAsking(true)}>
        Cancel the subscription …
      </Button>
      {asking && <Ask subscription={subscription} onDone={done} onClose={() => setAsking(false)} />}
    </section>
  );
}
