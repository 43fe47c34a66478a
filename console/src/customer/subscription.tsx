// One subscription of the customer, also one that is over.
// Rule: it shows what the overview shows of the one that runs.

import type { Params } from "../routes";
import { SubscriptionOverview, nameOf, useSubscription } from "../subscription/overview";
import { SubscriptionTabs } from "../subscription/tabs";
import { AsOf, Async } from "../ui/answers";
import { Page } from "../ui/page";

export default function SubscriptionPage({ params: { id = "" } }: { params: Params }) {
  const seen = useSubscription("customer", id);
  return (
    <Page title={seen.data === null ? "Subscription" : nameOf(seen.data.subscription)} beside={<AsOf of={seen} />}>
      <SubscriptionTabs kind="customer" id={id} />
      <Async of={seen}>{(data) => <SubscriptionOverview kind="customer" seen={data} />}</Async>
    </Page>
  );
}
