// Orders, newest first: what was ordered, what became of it, and its price line by line.
// Rule: operators see what customers see; only to take an order back is the customer's alone.

import type { ComponentChildren } from "preact";
import { apiOf, operatorApi, pathId, read } from "../api/client";
import type { Order, OrderStatus } from "../api/types";
import type { Kind } from "../config";
import { counted, whole } from "../format/numbers";
import { viewerZone } from "../format/times";
import { Withdraw, orderKind } from "../sale/order-waits";
import { PriceTable } from "../sale/price-table";
import { AsOf, Async, More, usePages } from "../ui/answers";
import type { Pages } from "../ui/answers";
import { Badge, Facts, Instant, Money } from "../ui/parts";
import type { Tone } from "../ui/parts";
import { nameOf } from "./overview";
import { subscriptionPath } from "./tabs";

/** Whose orders: those of the customer who is signed in, of one subscription, or, for an operator, of an account. */
export type OrdersOf =
  | { readonly kind: "customer" }
  | { readonly kind: Kind; readonly subscriptionId: string }
  | { readonly kind: "operator"; readonly accountId: string };

const STATUS: Readonly<Record<OrderStatus, readonly [Tone, string]>> = {
  pending: ["warn", "waits for its confirmation"],
  done: ["good", "carried out"],
  rejected: ["bad", "rejected"],
  withdrawn: ["calm", "withdrawn"],
  lapsed: ["calm", "lapsed"],
};

/** The status of an order in words. */
export function OrderStatusBadge({ status }: { status: OrderStatus }) {
  const [tone, words] = STATUS[status];
  return <Badge tone={tone}>{words}</Badge>;
}

async function page(of: OrdersOf, cursor: string | undefined) {
  const query = cursor === undefined ? {} : { cursor };
  if ("subscriptionId" in of) {
    const params = { path: { subscriptionId: of.subscriptionId }, query };
    return read(apiOf(of.kind).GET("/v1/subscriptions/{subscriptionId}/orders", { params }));
  }
  if ("accountId" in of) {
    const params = { path: { accountId: pathId(of.accountId) }, query };
    return read(operatorApi().GET("/v1/accounts/{accountId}/orders", { params }));
  }
  return read(apiOf(of.kind).GET("/v1/orders", { params: { query } }));
}

/** The orders of `of`, newest first, page by page. */
export function useOrders(of: OrdersOf): Pages<Order> {
  return usePages(
    async (cursor) => {
      const { orders, next } = await page(of, cursor);
      return { items: orders, next };
    },
    [of],
  );
}

function facts(order: Order, zone: string): (readonly [string, ComponentChildren])[] {
  const at = (instant: string) => <Instant at={instant} zone={zone} />;
  const { topUp, startsAt, endsAt, lapsesAt, reference, reason } = order;
  const rows: (readonly [string, ComponentChildren])[] = [
    ["Ordered", at(order.at)],
    ["By", order.by === "service" ? "the service, as it renews itself" : order.by],
  ];
  if (topUp !== null) rows.push(["Top-up", `${whole(topUp.units)} units of ${topUp.modelId}`]);
  if (startsAt !== null) rows.push(["From", at(startsAt)]);
  if (endsAt !== null) rows.push(["Until", at(endsAt)]);
  if (lapsesAt !== null) rows.push([order.status === "pending" ? "Lapses" : "Would have lapsed", at(lapsesAt)]);
  if (reference !== null) rows.push(["Confirmed as", <code>{reference}</code>]);
  if (reason !== null) rows.push(["Rejected because", reason]);
  rows.push(["Number", <code>{order.orderId}</code>]);
  return rows;
}

interface CardProps {
  readonly order: Order;
  readonly kind: Kind;
  readonly zone: string;
  /** Leads to its subscription, where that is not what is looked at. */
  readonly linked: boolean;
  readonly onEnded: () => void;
}

/** What the lines of an order are charged for: what a change or a top-up charges is no price for whole months. */
function charged({ kind, price }: Order): string {
  return kind === "change" || kind === "top_up" ? "Charged" : `For ${counted(price.months, "month")}`;
}

function OrderCard({ order, kind, zone, linked, onEnded }: CardProps) {
  const { price } = order;
  const once = order.kind === "top_up";
  return (
    <section class="card" aria-label={`${orderKind(order.kind)} ${order.orderId}`}>
      <div class="page-head">
        <h2>
          {orderKind(order.kind)} <OrderStatusBadge status={order.status} />
        </h2>
        <strong>
          <Money amount={price.total} currency={price.currency} />
        </strong>
      </div>
      {linked && (
        <p>
          For <a href={`#${subscriptionPath(kind, order.subscriptionId)}`}>{nameOf(order)}</a>
        </p>
      )}
      <Facts of={facts(order, zone)} />
      <details>
        <summary>Price, line by line</summary>
        <PriceTable price={price} charged={charged(order)} once={once} />
      </details>
      {kind === "customer" && order.status === "pending" && (
        <div class="actions">
          <Withdraw order={order} onDone={onEnded} />
        </div>
      )}
    </section>
  );
}

/** The orders of `of`. Times are in `zone`, by default the viewer's, for orders of several subscriptions have several. */
export function OrderList({ of, zone = viewerZone() }: { of: OrdersOf; zone?: string }) {
  const orders = useOrders(of);
  return (
    <>
      <AsOf of={orders} />
      <Async of={orders} empty={{ when: (items) => items.length === 0, say: "Nothing was ordered yet." }}>
        {(items) =>
          items.map((order) => (
            <OrderCard
              key={order.orderId}
              order={order}
              kind={of.kind}
              zone={zone}
              linked={!("subscriptionId" in of)}
              onEnded={orders.reload}
            />
          ))
        }
      </Async>
      <More of={orders} />
    </>
  );
}
