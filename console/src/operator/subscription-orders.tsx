// The operator's page of one subscription's orders.
// Rule: it is what the customer sees of them.

import type { Params } from "../routes";
import { OrderList } from "../subscription/orders";
import { SubscriptionSide } from "../subscription/side";

export default function OrdersPage({ params: { id = "" } }: { params: Params }) {
  return (
    <SubscriptionSide kind="operator" id={id} title="Orders">
      {({ timezone }) => <OrderList of={{ kind: "operator", subscriptionId: id }} zone={timezone} />}
    </SubscriptionSide>
  );
}
