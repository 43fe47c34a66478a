// Renewing an expired subscription: a new term, a new key, the same list.
// Rule: the price is that of now, and the key that it makes is shown on this page, once.

import { answer, customerApi } from "../api/client";
import { useSale } from "../api/idempotent";
import type { RenewalRequest, Sold } from "../api/types";
import type { Params } from "../routes";
import { Checkout, Outcome } from "../sale/checkout";
import { quoteSale, useQuote } from "../sale/quote";
import { useSession } from "../session/session";
import { Facts } from "../ui/parts";
import { OfSubscription } from "./of-subscription";

type Sent = RenewalRequest & { expectedTotal: string };

export default function Renew({ params: { id = "" } }: { params: Params }) {
  const account = useSession("customer")?.account ?? "";
  const sale = useSale<Sent, Sold>(account, `${id}.renew`, (body, key) =>
    answer(
      customerApi().POST("/v1/subscriptions/{subscriptionId}/renew", {
        body,
        params: { path: { subscriptionId: id }, header: { "Idempotency-Key": key } },
      }),
    ),
  );
  const quoted = useQuote(sale.sold === null ? {} : null, (renew) => quoteSale(id, { renew }));
  return (
    <OfSubscription id={id} title="Renew" when={sale.sold === null ? ["expired"] : ["expired", "active", "pending"]}>
      {({ subscription }, reload) =>
        sale.sold !== null ? (
          <Outcome
            answer={sale.sold}
            done="The subscription was renewed."
            makesKey
            onEnded={() => {
              sale.forget();
              reload();
            }}
          />
        ) : (
          <>
            <p>
              A renewal begins a new term at once, with the same models and limits, counted from zero. It makes a new
              key; the old one stays refused.
            </p>
            <Facts of={[["Time zone", subscription.timezone]]} />
            <Checkout action="Renew" body={{}} quoted={quoted} sale={sale}>
              <p>The new term begins at once. Its key is shown once, on the next page.</p>
            </Checkout>
          </>
        )
      }
    </OfSubscription>
  );
}
