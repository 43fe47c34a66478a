// Every page of the console: its path, who it is for, and where its code is.
// Rule: one line per page, each loaded when it is come to. The file that a line names has the page as its default export,
// which is given the parameters of its path. Nothing else needs to know of a page.

import type { ComponentType } from "preact";
import type { Kind } from "./config";

export type Params = Readonly<Record<string, string>>;

export interface PageModule {
  readonly default: ComponentType<{ params: Params }>;
}

export interface Route {
  readonly path: string;
  /** Who has to be signed in; null where nobody has to. */
  readonly for: Kind | null;
  readonly load: () => Promise<PageModule>;
}

const customer: readonly Route[] = [
  { path: "/", for: null, load: () => import("./home") },
  { path: "/buy", for: "customer", load: () => import("./customer/buy") },
  { path: "/subscriptions/:id", for: "customer", load: () => import("./customer/subscription") },
  { path: "/subscriptions/:id/change", for: "customer", load: () => import("./customer/change") },
  { path: "/subscriptions/:id/extend", for: "customer", load: () => import("./customer/extend") },
  { path: "/subscriptions/:id/renew", for: "customer", load: () => import("./customer/renew") },
  { path: "/subscriptions/:id/top-up", for: "customer", load: () => import("./customer/top-up") },
  { path: "/subscriptions/:id/history", for: "customer", load: () => import("./customer/history") },
  { path: "/subscriptions/:id/orders", for: "customer", load: () => import("./customer/orders") },
  { path: "/subscriptions/:id/events", for: "customer", load: () => import("./customer/events") },
  { path: "/subscriptions/:id/settings", for: "customer", load: () => import("./customer/settings") },
  { path: "/orders", for: "customer", load: () => import("./customer/orders") },
];

const key: readonly Route[] = [{ path: "/key", for: null, load: () => import("./key/key") }];

const operator: readonly Route[] = [
  { path: "/operator", for: "operator", load: () => import("./operator/find") },
  { path: "/operator/accounts/:id", for: "operator", load: () => import("./operator/account") },
  { path: "/operator/subscriptions/:id", for: "operator", load: () => import("./operator/subscription") },
  {
    path: "/operator/subscriptions/:id/history",
    for: "operator",
    load: () => import("./operator/subscription-history"),
  },
  { path: "/operator/subscriptions/:id/orders", for: "operator", load: () => import("./operator/subscription-orders") },
  { path: "/operator/subscriptions/:id/events", for: "operator", load: () => import("./operator/subscription-events") },
  { path: "/operator/subscriptions/:id/holds", for: "operator", load: () => import("./operator/holds") },
];

const shop: readonly Route[] = [
  { path: "/operator/catalogue", for: "operator", load: () => import("./operator/catalogue") },
  { path: "/operator/catalogue/:id", for: "operator", load: () => import("./operator/model") },
  { path: "/operator/tiers", for: "operator", load: () => import("./operator/tiers") },
  { path: "/operator/orders", for: "operator", load: () => import("./operator/orders") },
];

export const ROUTES: readonly Route[] = [...customer, ...key, ...operator, ...shop];
