// The customer's page of one subscription's usage.
// Rule: it is what operators see of it, too.

import type { Params } from "../routes";
import { UsageHistory } from "../subscription/history";
import { SubscriptionSide } from "../subscription/side";

export default function UsagePage({ params: { id = "" } }: { params: Params }) {
  return (
    <SubscriptionSide kind="customer" id={id} title="Usage">
      {(subscription) => <UsageHistory kind="customer" subscription={subscription} />}
    </SubscriptionSide>
  );
}
