// The frame of the orders to one subscription: its tabs, the subscription, and the form that is about it.
// Rule: a form is drawn once the subscription is there, and anew when it has changed.

import type { ComponentChildren } from "preact";
import type { Subscription } from "../api/types";
import { nameOf, useSubscription } from "../subscription/overview";
import type { Seen } from "../subscription/overview";
import { SubscriptionTabs } from "../subscription/tabs";
import { Async } from "../ui/answers";
import { Page } from "../ui/page";
import { ButtonLink, Notice } from "../ui/parts";

interface FrameProps {
  readonly id: string;
  readonly title: string;
  /** Which states of a subscription this can be ordered in. */
  readonly when: readonly Subscription["status"][];
  /** `reload` asks for the subscription anew. */
  readonly children: (seen: Seen, reload: () => void) => ComponentChildren;
}

const WHY: Readonly<Record<Subscription["status"], string>> = {
  active: "It runs: extend or change it instead.",
  suspended: "An operator has suspended it; this has to wait until it goes on.",
  pending: "Its purchase still waits for its confirmation.",
  expired: "Its term is over: renew it first.",
  cancelled: "It was cancelled: buy a new subscription.",
};

export function OfSubscription({ id, title, when, children }: FrameProps) {
  const seen = useSubscription("customer", id);
  return (
    <Page title={title}>
      <SubscriptionTabs kind="customer" id={id} />
      <Async of={seen}>
        {(data) => {
          const { status } = data.subscription;
          return (
            <>
              <p class="lead">{nameOf(data.subscription)}</p>
              {when.includes(status) ? children(data, seen.reload) : <Impossible status={status} id={id} />}
            </>
          );
        }}
      </Async>
    </Page>
  );
}

function Impossible({ status, id }: { status: Subscription["status"]; id: string }) {
  const side = { expired: "/renew", active: "/extend", cancelled: null, pending: "", suspended: "" }[status];
  return (
    <Notice tone="warn" title="This is not possible for this subscription now.">
      <p>{WHY[status]}</p>
      <ButtonLink href={side === null ? "#/buy" : `#/subscriptions/${id}${side}`}>Go on</ButtonLink>
    </Notice>
  );
}
