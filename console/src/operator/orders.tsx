// The orders of all accounts that wait: confirmed with the payment's reference, or rejected with a reason.
// Rule: the service alone ends an order; what was refused is shown in its words, and the list is asked for anew.

import { useEffect, useState } from "preact/hooks";
import { operatorApi, read } from "../api/client";
import type { PendingOrder } from "../api/types";
import { timeLeft, viewerZone } from "../format/times";
import { orderKind } from "../sale/order-waits";
import { PriceTable } from "../sale/price-table";
import { AsOf, Async, More, usePages } from "../ui/answers";
import { ReasonDialog } from "../ui/dialog";
import { TextField } from "../ui/inputs";
import { Page, announce } from "../ui/page";
import { Button, Instant, Money } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";

type End = "confirm" | "reject";

interface Asked {
  readonly order: PendingOrder;
  readonly end: End;
}

/** The time of now, anew every second. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** How long an order waits still. */
function Lapses({ at }: { at: string }) {
  const left = timeLeft(at, useNow());
  return (
    <>
      <strong class="figure">{left === null ? "lapsed" : `in ${left}`}</strong>
      <br />
      <span class="aside">
        <Instant at={at} zone={viewerZone()} />
      </span>
    </>
  );
}

function What({ order }: { order: PendingOrder }) {
  return (
    <>
      <p>
        {orderKind(order.kind)} of{" "}
        <a href={`#/operator/accounts/${encodeURIComponent(order.accountId)}`}>{order.accountId}</a>
        {order.label !== null && ` (${order.label})`}, order <code>{order.orderId}</code>.
      </p>
      <PriceTable price={order.price} once={order.topUp !== null} charged="Charged" />
    </>
  );
}

interface EndProps {
  readonly order: PendingOrder;
  /** Called once the order has ended, or the question was closed; `said` tells what was done. */
  readonly onEnd: (said: string | null) => void;
}

function ConfirmOrder({ order, onEnd }: EndProps) {
  const [typed, setTyped] = useState("");
  const reference = typed.trim();
  const work = (reason: string) =>
    read(
      operatorApi(reason).POST("/v1/orders/{orderId}/confirmation", {
        params: { path: { orderId: order.orderId } },
        body: { reference },
      }),
    );
  return (
    <ReasonDialog
      title="Confirm this order?"
      action="Confirm it"
      ready={reference !== ""}
      work={work}
      onDone={() => onEnd("The order was confirmed and carried out.")}
      onClose={() => onEnd(null)}
    >
      {(refusal) => (
        <>
          <What order={order} />
          <p>It is carried out at once, at the price it was made at. A term that it buys begins now.</p>
          <TextField
            label="Reference"
            hint="What the payment is called where it was made, so that it is found again."
            param="reference"
            refusal={refusal}
            maxLength={255}
            value={typed}
            onValue={setTyped}
          />
        </>
      )}
    </ReasonDialog>
  );
}

function RejectOrder({ order, onEnd }: EndProps) {
  const work = (reason: string) =>
    read(
      operatorApi(reason).POST("/v1/orders/{orderId}/rejection", {
        params: { path: { orderId: order.orderId } },
        body: { reason },
      }),
    );
  return (
    <ReasonDialog
      title="Reject this order?"
      action="Reject it"
      danger
      param="reason"
      work={work}
      onDone={() => onEnd("The order was rejected.")}
      onClose={() => onEnd(null)}
    >
      <What order={order} />
      <p>It is never carried out then. The customer sees the reason, and may order again.</p>
    </ReasonDialog>
  );
}

function columns(ask: (asked: Asked) => void): Column<PendingOrder>[] {
  return [
    {
      head: "Account",
      cell: ({ accountId }) => <a href={`#/operator/accounts/${encodeURIComponent(accountId)}`}>{accountId}</a>,
    },
    {
      head: "Order",
      cell: ({ kind, label, price }) =>
        `${orderKind(kind)}${label === null ? "" : ` (${label})`}: ${price.lines.map(({ modelId }) => modelId).join(", ")}`,
    },
    { head: "Total", numeric: true, cell: ({ price }) => <Money amount={price.total} currency={price.currency} /> },
    { head: "Ordered", cell: ({ at }) => <Instant at={at} zone={viewerZone()} /> },
    { head: "Lapses", cell: ({ lapsesAt }) => (lapsesAt === null ? "–" : <Lapses at={lapsesAt} />) },
    {
      head: "What you can do",
      actions: true,
      cell: (order) => (
        <>
          <Button
            look="primary"
            label={`Confirm the order of ${order.accountId}`}
            onClick={() => ask({ order, end: "confirm" })}
          >
            Confirm
          </Button>{" "}
          <Button label={`Reject the order of ${order.accountId}`} onClick={() => ask({ order, end: "reject" })}>
            Reject
          </Button>
        </>
      ),
    },
  ];
}

export default function PendingOrders() {
  const orders = usePages(async (cursor) => {
    const query = cursor === undefined ? {} : { cursor };
    const { orders: items, next } = await read(operatorApi().GET("/v1/pending-orders", { params: { query } }));
    return { items, next };
  }, []);
  const [asked, setAsked] = useState<Asked | null>(null);
  const end = (said: string | null) => {
    setAsked(null);
    if (said !== null) announce(said);
    orders.reload();
  };
  const none = "No order waits. One that was just made may be listed moments later.";
  return (
    <Page title="Pending orders" beside={<AsOf of={orders} />}>
      <Async of={orders} empty={{ when: (items) => items.length === 0 && orders.more === null, say: none }}>
        {(items) => (
          <Table
            caption="Orders that wait"
            columns={columns(setAsked)}
            rows={items}
            rowKey={({ orderId }) => orderId}
          />
        )}
      </Async>
      <More of={orders} />
      {asked?.end === "confirm" && <ConfirmOrder order={asked.order} onEnd={end} />}
      {asked?.end === "reject" && <RejectOrder order={asked.order} onEnd={end} />}
    </Page>
  );
}
