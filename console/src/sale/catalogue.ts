// The catalogue: to customers every model that can be bought, to operators those that were withdrawn as well.
// Rule: it is read to its last page, for an order, or an outage, may be of any model of it.

import { apiOf, read } from "../api/client";
import type { ListedModel, Model } from "../api/types";
import type { Kind } from "../config";
import { times } from "../format/decimal";
import { money, whole } from "../format/numbers";
import { useAnswer } from "../ui/answers";
import type { Asked } from "../ui/answers";

async function all(kind: Kind): Promise<ListedModel[]> {
  const models: ListedModel[] = [];
  let cursor: string | null = null;
  do {
    const query: { cursor?: string } = cursor === null ? {} : { cursor };
    const page: { models: ListedModel[]; next: string | null } = await read(
      apiOf(kind).GET("/v1/models", { params: { query } }),
    );
    models.push(...page.models);
    cursor = page.next;
  } while (cursor !== null);
  return models;
}

export function useCatalogue(): Asked<Model[]> {
  return useAnswer(() => all("customer"), []);
}

/** Every model that was ever offered, as it is at this moment. */
export function useEveryModel(): Asked<ListedModel[]> {
  return useAnswer(() => all("operator"), []);
}

/** Whether a model of the operators' catalogue was withdrawn. */
export function isWithdrawn(model: ListedModel): boolean {
  return "withdrawn" in model;
}

const MILLION = 1_000_000;

/** An amount without the zeros at its end, but for the two decimals that money has. */
export function short(amount: string): string {
  return amount.replace(/(\.\d{2}\d*?)0+$/, "$1");
}

/** What a tier costs a month, in words: tokens are told by the million, as their prices are. */
export function priceWords({ price, unit }: { price: Model["tiers"][number]["price"]; unit: Model["unit"] }): string {
  const told = (amount: string) => money(short(amount), price.currency);
  const perUnit =
    unit === "tokens"
      ? `${told(times(price.perUnit, MILLION))} per ${whole(MILLION)} tokens`
      : `${told(price.perUnit)} per generation`;
  return `${told(price.base)} + ${perUnit} + ${told(price.perDailyCall)} per daily call`;
}
