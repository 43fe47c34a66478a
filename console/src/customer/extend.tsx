// Letting a term go on: by more months now, or by itself at its end (auto-renewal.tsx).
// Rule: both say what they cost before they are done, and when the months they add begin.

import { answer, customerApi } from "../api/client";
import { useSale } from "../api/idempotent";
import type { ExtensionRequest, Sold, Subscription } from "../api/types";
import { counted } from "../format/numbers";
import type { Params } from "../routes";
import { Checkout, Outcome } from "../sale/checkout";
import { Months } from "../sale/fields";
import { quoteSale, useQuote } from "../sale/quote";
import { useDraft } from "../session/draft";
import { useSession } from "../session/session";
import { Instant } from "../ui/parts";
import { AutoRenewal } from "./auto-renewal";
import { OfSubscription } from "./of-subscription";

type Sent = ExtensionRequest & { expectedTotal: string };

interface Props {
  readonly account: string;
  readonly subscription: Subscription;
  readonly reload: () => void;
}

function Extension({ account, subscription: { subscriptionId, timezone, expiresAt }, reload }: Props) {
  const [months, setMonths, done] = useDraft(account, `${subscriptionId}.extend`, 1);
  const quoted = useQuote({ months }, (extend) => quoteSale(subscriptionId, { extend }));
  const sale = useSale<Sent, Sold>(account, `${subscriptionId}.extend`, async (body, key) => {
    const params = { path: { subscriptionId }, header: { "Idempotency-Key": key } };
    const bought = await answer(customerApi().POST("/v1/subscriptions/{subscriptionId}/extend", { body, params }));
    done();
    return bought;
  });
  const again = () => {
    sale.forget();
    reload();
  };
  if (sale.sold !== null) return <Outcome answer={sale.sold} done="The term was extended." onEnded={again} />;
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <h2>Extend it now</h2>
      <p>
        The term ends {expiresAt !== null && <Instant at={expiresAt} zone={timezone} />}. The months you add begin then;
        the key, the limits and what is used stay.
      </p>
      <Months
        label="Extend by"
        param="months"
        value={months}
        refusal={sale.refusal ?? quoted.refusal}
        onValue={setMonths}
      />
      <Checkout action="Extend" body={{ months }} quoted={quoted} sale={sale}>
        <p>The term then ends {counted(months, "month")} later.</p>
      </Checkout>
    </form>
  );
}

export default function Extend({ params: { id = "" } }: { params: Params }) {
  const account = useSession("customer")?.account ?? "";
  return (
    <OfSubscription id={id} title="Extend and renew" when={["active", "suspended"]}>
      {({ subscription }, reload) => (
        <>
          <section aria-label="Extend">
            <Extension account={account} subscription={subscription} reload={reload} />
          </section>
          <AutoRenewal account={account} subscription={subscription} reload={reload} />
        </>
      )}
    </OfSubscription>
  );
}
