// The end of every order: its price, the question, and what came of it.
// Rule: what is charged is what was shown: the total goes along, and where it has changed the new price is shown before
// anybody can buy at it. While it is not known whether an order was carried out, nothing but the same order can be sent.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer } from "../api/client";
import type { Sale } from "../api/idempotent";
import type { Quote, Sold } from "../api/types";
import { KeyShown } from "../subscription/key-shown";
import { Confirm } from "../ui/dialog";
import { Button, ButtonLink, Money, Notice } from "../ui/parts";
import { Refused } from "../ui/refused";
import { OrderWaits } from "./order-waits";
import { PriceTable } from "./price-table";
import type { Quoted } from "./quote";

interface CheckoutProps<Body> {
  /** The word for it on the buttons: "Buy". */
  readonly action: string;
  /** What would be sent, without the total; null while something is missing or wrong. */
  readonly body: Body | null;
  readonly quoted: Quoted<Quote>;
  readonly sale: Sale<Body & { expectedTotal: string }, Sold>;
  /** What is charged for, as the head of its column. */
  readonly charged?: string;
  /** It is charged once, not by the month. */
  readonly once?: boolean;
  /** What is said while `body` is null. */
  readonly missing?: string;
  /** What comes of it, beside the price. */
  readonly children?: ComponentChildren;
}

function SaleIsOpen({ sale }: { sale: Pick<Sale<unknown, Sold>, "busy" | "again"> }) {
  return (
    <Notice tone="warn" title="Your order was sent, and its answer did not arrive.">
      <p>It may have been carried out. Ask for the answer: that orders nothing a second time.</p>
      <Button look="primary" busy={sale.busy} onClick={() => void sale.again()}>
        Ask for the answer
      </Button>
    </Notice>
  );
}

function Asking() {
  return (
    <p class="loading" role="status">
      Asking for the price …
    </p>
  );
}

/** The question: what is charged, what comes of it, and the button that orders it. */
function Question<Body>({
  of,
  table,
  onClose,
}: {
  of: CheckoutProps<Body>;
  table: ComponentChildren;
  onClose: () => void;
}) {
  const { action, body, quoted, sale, children } = of;
  const { quote } = quoted;
  const confirm = () => {
    if (sale.open !== null) void sale.again();
    else if (body !== null && quote !== null) void sale.place({ ...body, expectedTotal: quote.total });
  };
  return (
    <Confirm
      title={`${action} at this price?`}
      action={sale.open !== null ? "Ask for the answer" : `${action} now`}
      disabled={sale.open === null && quote === null}
      busy={sale.busy}
      refusal={sale.refusal}
      onConfirm={confirm}
      onClose={onClose}
    >
      {quoted.loading && <Asking />}
      {table}
      {quote !== null && (
        <p class="charged">
          Charged now: <Money amount={quote.total} currency={quote.currency} />
        </p>
      )}
      {children}
    </Confirm>
  );
}

/** The price, and the way to order at it. */
export function Checkout<Body>(props: CheckoutProps<Body>) {
  const { action, body, quoted, sale, charged, once, missing } = props;
  const [asking, setAsking] = useState(false);
  const { quote, reload } = quoted;
  const changed = sale.refusal?.code === "price_changed" ? sale.refusal : null;
  useEffect(() => {
    if (changed !== null) reload();
  }, [changed, reload]);
  const table = quote !== null && <PriceTable price={quote} charged={charged} once={once} />;
  return (
    <section class="card" aria-label="Price">
      <h2>Price</h2>
      {body === null && <p class="aside">{missing ?? "It is shown here as soon as everything is filled in."}</p>}
      {quoted.loading && <Asking />}
      {quoted.refusal !== null && <Refused refusal={quoted.refusal} again={quoted.reload} />}
      {!asking && table}
      {!asking && sale.refusal !== null && <Refused refusal={sale.refusal} />}
      {!asking && sale.open !== null ? (
        <SaleIsOpen sale={sale} />
      ) : (
        <Button look="primary" disabled={quote === null} onClick={() => setAsking(true)}>
          {action} …
        </Button>
      )}
      {asking && <Question of={props} table={table} onClose={() => setAsking(false)} />}
    </section>
  );
}

interface OutcomeProps {
  readonly answer: Answer<Sold>;
  /** What was done, as a sentence: "The subscription was bought." */
  readonly done: string;
  /** Whether orders of this kind make a key. */
  readonly makesKey?: boolean;
  /** Asks anew, after an order that waited was withdrawn. */
  readonly onEnded: () => void;
}

/** What came of an order: carried out, waiting, or carried out before; with the key where one was made. */
export function Outcome({ answer: { data, status, replayed }, done, makesKey, onEnded }: OutcomeProps) {
  const order = "order" in data ? data.order : null;
  const key = "apiKey" in data ? data.apiKey : null;
  const waits = status === 202 && order !== null;
  const place = useRef<HTMLElement>(null);
  useEffect(() => place.current?.focus(), []);
  return (
    <section ref={place} tabIndex={-1} aria-label="Your order">
      {waits && <OrderWaits order={order} onEnded={onEnded} />}
      {!waits && !replayed && (
        <Notice tone="good" title={done}>
          {order !== null && (
            <>
              You were charged <Money amount={order.price.total} currency={order.price.currency} />.
            </>
          )}
        </Notice>
      )}
      {replayed && (
        <Notice tone="good" title="This was ordered already, and is carried out once.">
          {makesKey === true &&
            "The key was shown with the first answer. If you did not get it, make a new one in the settings."}
        </Notice>
      )}
      {key !== null && <KeyShown apiKey={key} example={data.models[0] ?? null} />}
      <div class="actions">
        <ButtonLink look="primary" href={`#/subscriptions/${data.subscriptionId}`}>
          Go to the subscription
        </ButtonLink>
        {replayed && makesKey === true && (
          <ButtonLink href={`#/subscriptions/${data.subscriptionId}/settings`}>Settings and key</ButtonLink>
        )}
      </div>
    </section>
  );
}
