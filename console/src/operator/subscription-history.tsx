// The operator's page of one subscription's usage.
// Rule: it is what the customer sees of it.

import type { Params } from "../routes";
import { UsageHistory } from "../subscription/history";
import { SubscriptionSide } from "../subscription/side";

export default function UsagePage({ params: { id = "" } }: { params: Params }) {
  return (
    <SubscriptionSide kind="operator" id={id} title="Usage">
      {(subscription) => <UsageHistory kind="operator" subscription={subscription} />}
    </SubscriptionSide>
  );
}
