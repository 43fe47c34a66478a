// Letting a term go on: by more months now, or by itself at its end.
// Rule: both say what they cost before they are done, and when the months they add begin.

import { useState } from "preact/hooks";
import { answer, customerApi, read } from "../api/client";
import { useSale } from "../api/idempotent";
import type { ExtensionRequest, SaleQuote, Sold, Subscription } from "../api/types";
import { times } from "../format/decimal";
import { counted } from "../format/numbers";
import type { Params } from "../routes";
import { Checkout, Outcome } from "../sale/checkout";
import { Months, RenewsItself } from "../sale/fields";
import { quoteSale, useQuote } from "../sale/quote";
import { useDraft } from "../session/draft";
import { useSession } from "../session/session";
import { Confirm, useDoing } from "../ui/dialog";
import { announce } from "../ui/page";
import { Button, Instant, Money } from "../ui/parts";
import { Refused } from "../ui/refused";
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

interface Renewal {
  readonly on: boolean;
  readonly months: number;
}

function Consequence({ renewal, price, zone }: { renewal: Renewal; price: SaleQuote | null; zone: string }) {
  if (!renewal.on) return <p>It ends with its term, and its key grants nothing any more then. Nothing is charged.</p>;
  return (
    <>
      <p>
        The term goes on by {counted(renewal.months, "month")} at its end. The key, the limits and the counters stay.
      </p>
      {price !== null && (
        <p>
          That is on <Instant at={price.bindsAt} zone={zone} />, and costs{" "}
          <Money amount={times(price.monthlyTotal, renewal.months)} currency={price.currency} /> at the prices of now.
          It is charged at the prices of that moment.
        </p>
      )}
    </>
  );
}

function keepSettings(subscriptionId: string, { on, months }: Renewal) {
  const body = { autoRenew: on, ...(on ? { autoRenewMonths: months } : {}) };
  return read(
    customerApi().PATCH("/v1/subscriptions/{subscriptionId}", { params: { path: { subscriptionId } }, body }),
  );
}

function AutoRenewal({ account, subscription, reload }: Props) {
  const { subscriptionId, timezone, autoRenew, autoRenewMonths } = subscription;
  const now: Renewal = { on: autoRenew, months: autoRenewMonths };
  const [draft, setDraft, done] = useDraft(account, `${subscriptionId}.auto-renew`, now);
  const [asking, setAsking] = useState(false);
  const doing = useDoing();
  const quoted = useQuote({}, (renew) => quoteSale(subscriptionId, { renew }));
  const same = draft.on === now.on && (!draft.on || draft.months === now.months);
  const patch = () => keepSettings(subscriptionId, draft);
  const save = async () => {
    if (!(await doing.run(patch))) return;
    setAsking(false);
    done();
    announce("Saved.");
    reload();
  };
  const ask = {
    busy: doing.busy,
    refusal: doing.refusal,
    onConfirm: () => void save(),
    onClose: () => setAsking(false),
  };
  const consequence = <Consequence renewal={draft} price={quoted.quote} zone={timezone} />;
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <h2>Renew by itself</h2>
      <RenewsItself renewal={draft} refusal={doing.refusal} onValue={setDraft} />
      {consequence}
      {quoted.refusal !== null && draft.on && <Refused refusal={quoted.refusal} />}
      <Button look="primary" disabled={same} onClick={() => setAsking(true)}>
        Save …
      </Button>
      {asking && !same && (
        <Confirm title="Save this?" action="Save" {...ask}>
          {consequence}
        </Confirm>
      )}
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
          <section class="card" aria-label="Renew by itself">
            <AutoRenewal account={account} subscription={subscription} reload={reload} />
          </section>
        </>
      )}
    </OfSubscription>
  );
}
