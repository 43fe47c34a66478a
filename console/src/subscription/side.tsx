// The frame of one side of a subscription that is only looked at: its tabs, its name, and what the side shows.
// Rule: customers and operators get the same; what a side asks for beside the subscription, it asks for itself.

import type { ComponentChildren } from "preact";
import { apiOf, read } from "../api/client";
import type { SeenByOperator, Subscription } from "../api/types";
import type { Kind } from "../config";
import { Async, useAnswer } from "../ui/answers";
import type { Asked } from "../ui/answers";
import { Page } from "../ui/page";
import { nameOf } from "./overview";
import { SubscriptionTabs } from "./tabs";

interface SideProps {
  readonly kind: Kind;
  readonly id: string;
  readonly title: string;
  /** Draws the side; `reload` asks for the subscription anew. */
  readonly children: (subscription: Subscription | SeenByOperator, reload: () => void) => ComponentChildren;
}

/** A subscription without its counters. */
function useShown(kind: Kind, id: string): Asked<Subscription | SeenByOperator> {
  const params = { path: { subscriptionId: id } };
  return useAnswer(() => read(apiOf(kind).GET("/v1/subscriptions/{subscriptionId}", { params })), [kind, id]);
}

export function SubscriptionSide({ kind, id, title, children }: SideProps) {
  const shown = useShown(kind, id);
  return (
    <Page title={title}>
      <SubscriptionTabs kind={kind} id={id} />
      <Async of={shown}>
        {(subscription) => (
          <>
            <p class="lead">{nameOf(subscription)}</p>
            {children(subscription, shown.reload)}
          </>
        )}
      </Async>
    </Page>
  );
}
