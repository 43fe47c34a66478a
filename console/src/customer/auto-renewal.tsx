// Whether a term goes on by itself at its end: what that does, what it would cost, and what stands in its way.
// Rule: it is saved once the consequence was shown; nothing is charged before the term ends.

import { useState } from "preact/hooks";
import { customerApi, read } from "../api/client";
import type { SaleQuote, Subscription } from "../api/types";
import { times } from "../format/decimal";
import { counted } from "../format/numbers";
import { RenewsItself } from "../sale/fields";
import { quoteSale, useQuote } from "../sale/quote";
import { useDraft } from "../session/draft";
import { blockedBy } from "../subscription/blocked-by";
import { Confirm, useDoing } from "../ui/dialog";
import { announce } from "../ui/page";
import { Button, Instant, Money, Notice } from "../ui/parts";
import { Refused } from "../ui/refused";

interface Props {
  readonly account: string;
  readonly subscription: Subscription;
  readonly reload: () => void;
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

function Blocked({ subscription: { autoRenew, renewalBlockedBy } }: { subscription: Subscription }) {
  if (!autoRenew || renewalBlockedBy === null) return null;
  return (
    <Notice tone="warn" title="It will not renew itself as things are:">
      {blockedBy(renewalBlockedBy)}
    </Notice>
  );
}

/** The form of it. `reload` is called after it was saved. */
export function AutoRenewal({ account, subscription, reload }: Props) {
  const { subscriptionId, timezone, autoRenew, autoRenewMonths } = subscription;
  const now: Renewal = { on: autoRenew, months: autoRenewMonths };
  const [draft, setDraft, done] = useDraft(account, `${subscriptionId}.auto-renew`, now);
  const [asking, setAsking] = useState(false);
  const doing = useDoing();
  const quoted = useQuote({}, (renew) => quoteSale(subscriptionId, { renew }));
  const same = draft.on === now.on && (!draft.on || draft.months === now.months);
  const save = async () => {
    if (!(await doing.run(() => keepSettings(subscriptionId, draft)))) return;
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
    <form class="card" aria-label="Renew by itself" onSubmit={(event) => event.preventDefault()}>
      <h2>Renew by itself</h2>
      <Blocked subscription={subscription} />
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
