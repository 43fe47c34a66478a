// The customer's page of one subscription's event trail.
// Rule: it is what operators see of it, too.

import type { Params } from "../routes";
import { EventTrail } from "../subscription/events";
import { SubscriptionSide } from "../subscription/side";

export default function EventsPage({ params: { id = "" } }: { params: Params }) {
  return (
    <SubscriptionSide kind="customer" id={id} title="Events">
      {(subscription) => <EventTrail kind="customer" subscription={subscription} />}
    </SubscriptionSide>
  );
}
