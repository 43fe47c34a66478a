// The customer's pages of orders: of the account, and of one subscription.
// Rule: an account's page shows every order there is; a subscription's those of it.

import type { Params } from "../routes";
import { OrderList } from "../subscription/orders";
import { SubscriptionSide } from "../subscription/side";
import { Page } from "../ui/page";

export default function OrdersPage({ params: { id } }: { params: Params }) {
  if (id === undefined) {
    return (
      <Page title="Orders">
        <OrderList of={{ kind: "customer" }} />
      </Page>
    );
  }
  return (
    <SubscriptionSide kind="customer" id={id} title="Orders">
      {({ timezone }) => <OrderList of={{ kind: "customer", subscriptionId: id }} zone={timezone} />}
    </SubscriptionSide>
  );
}
