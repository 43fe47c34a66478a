// The names that pages use for what the API answers, from the types made of docs/openapi.json.
// Rule: no shape is written by hand; a name is added here when a page needs it.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Model = Schemas["Model"];
export type WithdrawnModel = Schemas["WithdrawnModel"];
/** A model of the operators' catalogue: one that can be bought, or one that was withdrawn. */
export type ListedModel = Model | WithdrawnModel;
/** A model as an operator reads it, also where the service itself cannot. */
export type ReadModel = ListedModel | Schemas["UnreadableModel"];
export type PutModel = Schemas["PutModelBody"];
export type Tier = Schemas["Tier"];
export type Unit = Schemas["Unit"];
export type Quote = Schemas["Quote"];
export type PriceLine = Schemas["PriceLine"];
export type SaleQuote = Schemas["SaleQuote"];
export type Order = Schemas["Order"];
export type PendingOrder = Schemas["OrderOfAccount"];
export type Subscription = Schemas["ShownSubscription"];
export type SeenByOperator = Schemas["SeenSubscription"];
export type Entitlement = Schemas["Entitlement"];
export type Usage = Schemas["Usage"];
export type ModelUsage = Schemas["ModelUsage"];
export type PurchaseModel = Schemas["PurchaseModel"];
export type PurchaseRequest = Schemas["PurchaseRequest"];
export type QuoteRequest = Schemas["QuoteRequest"];
export type Status = Schemas["Status"];
export type ChangeRequest = Schemas["ChangeRequest"];
export type ExtensionRequest = Schemas["ExtensionRequest"];
export type RenewalRequest = Schemas["RenewalRequest"];
export type TopUpRequest = Schemas["TopUpRequest"];
/** What a sale answers: the subscription, and, unless it repeats an answer, the order and the key that it made. */
export type Sold = Schemas["SoldWithKey"] | Schemas["Sold"] | Schemas["Subscription"];
export type FoundKey = Schemas["FoundKey"];
export type PlanInPlace = Schemas["PlanInPlace"];
export type HeldByModel = Schemas["HeldByModel"];
export type Hold = Schemas["Hold"];
export type Correction = Schemas["Correction"];
export type CorrectionRequest = Schemas["CorrectionRequest"];
export type OrderStatus = Schemas["OrderStatus"];
export type UsageDay = Schemas["UsageDay"];
export type SoldTerm = Schemas["SoldTerm"];
export type KeyInfo = Schemas["Key"];
/** One entry of a subscription's event trail, and its type. */
export type TrailEvent = Schemas["EventPage"]["events"][number];
