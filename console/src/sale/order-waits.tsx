// An order that waits for its confirmation: what it is, until when it waits, and how to take it back.
// Rule: until it has ended nothing else is sold to the account, and the page says so.

import { useState } from "preact/hooks";
import { customerApi, read } from "../api/client";
import type { Order } from "../api/types";
import { viewerZone } from "../format/times";
import { Confirm, useDoing } from "../ui/dialog";
import { announce } from "../ui/page";
import { Button, Instant, Money, Notice } from "../ui/parts";

const KINDS: Readonly<Record<Order["kind"], string>> = {
  purchase: "Purchase",
  renewal: "Renewal",
  extension: "Extension",
  change: "Change",
  top_up: "Top-up",
};

/** The kind of an order as a word. */
export function orderKind(kind: Order["kind"]): string {
  return KINDS[kind];
}

/** A button that takes a pending order back, once it was confirmed. */
export function Withdraw({ order, onDone }: { order: Order; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const doing = useDoing();
  const withdraw = async () => {
    const path = { orderId: order.orderId };
    if (!(await doing.run(() => read(customerApi().POST("/v1/orders/{orderId}/withdrawal", { params: { path } })))))
      return;
    setAsking(false);
    announce("The order was withdrawn.");
    onDone();
  };
  return (
    <>
      <Button onClick={() => setAsking(true)}>Withdraw the order</Button>
      {asking && (
        <Confirm
          title="Withdraw the order?"
          action="Withdraw it"
          danger
          busy={doing.busy}
          refusal={doing.refusal}
          onConfirm={() => void withdraw()}
          onClose={() => setAsking(false)}
        >
          <p>
            It is never carried out then, and you may order something else. What you may have paid for it is given back
            by whoever took the payment.
          </p>
          {order.kind === "purchase" && (
            <p>The subscription that it would have begun, and its key, will never have been.</p>
          )}
        </Confirm>
      )}
    </>
  );
}

/** The notice of a pending order. `onEnded` is called after it was withdrawn. */
export function OrderWaits({ order, onEnded }: { order: Order; onEnded: () => void }) {
  return (
    <Notice tone="warn" title={`${orderKind(order.kind)}: waits for its confirmation.`}>
      <p>
        The order over <Money amount={order.price.total} currency={order.price.currency} /> is carried out as soon as
        its payment is confirmed
        {order.lapsesAt !== null && (
          <>
            , and lapses at <Instant at={order.lapsesAt} zone={viewerZone()} />
          </>
        )}
        . Until then nothing else can be ordered. Its number is <code>{order.orderId}</code>.
      </p>
      <Withdraw order={order} onDone={onEnded} />
    </Notice>
  );
}
