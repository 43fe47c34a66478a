// The operator's page of one subscription's events.
// Rule: it is what the customer sees of it.

import type { Params } from "../routes";
import { EventTrail } from "../subscription/events";
import { SubscriptionSide } from "../subscription/side";

export default function EventsPage({ params: { id = "" } }: { params: Params }) {
  return (
    <SubscriptionSide kind="operator" id={id} title="Events">
      {(subscription) => <EventTrail kind="operator" subscription={subscription} />}
    </SubscriptionSide>
  );
}
