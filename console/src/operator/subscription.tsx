// The operator's page of one subscription: what its customer sees, whose it is, and what can be done to it.
// Rule: what is shown was answered after the last thing that was done.

import type { SeenByOperator } from "../api/types";
import type { Params } from "../routes";
import { SubscriptionOverview, nameOf, useSubscription } from "../subscription/overview";
import { SubscriptionTabs } from "../subscription/tabs";
import { AsOf, Async } from "../ui/answers";
import { Page } from "../ui/page";
import { Instant, Notice } from "../ui/parts";
import { Actions } from "./actions";
import { accountPath } from "./paths";

function Suspended({ subscription: { suspension, timezone } }: { subscription: SeenByOperator }) {
  if (suspension === null) return null;
  return (
    <Notice tone="warn" title={`Suspended by ${suspension.operatorId}`}>
      <p>
        {suspension.reason} <span class="aside">· </span>
        <Instant at={suspension.at} zone={timezone} />
      </p>
    </Notice>
  );
}

export default function SubscriptionPage({ params: { id = "" } }: { params: Params }) {
  const seen = useSubscription("operator", id);
  return (
    <Page title="Subscription" beside={<AsOf of={seen} />}>
      <SubscriptionTabs kind="operator" id={id} />
      <Async of={seen}>
        {({ subscription: answered, usage }) => {
          // The operators' API answers with what only operators see.
          const subscription = answered as SeenByOperator;
          return (
            <>
              <p class="lead">
                {nameOf(subscription)} of{" "}
                <a href={`#${accountPath(subscription.accountId)}`}>{subscription.accountId}</a>
              </p>
              <Suspended subscription={subscription} />
              <Actions seen={{ subscription, usage }} onDone={seen.reload} />
              <SubscriptionOverview kind="operator" seen={{ subscription, usage }} />
            </>
          );
        }}
      </Async>
    </Page>
  );
}
