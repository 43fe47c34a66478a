// Topping up: more units of one model, for the rest of its month.
// Rule: what is bought so is gone with the month, and the page says when that is.

import { answer, customerApi } from "../api/client";
import { useSale } from "../api/idempotent";
import type { Sold, TopUpRequest } from "../api/types";
import { parseWhole, whole } from "../format/numbers";
import type { Params } from "../routes";
import { Checkout, Outcome } from "../sale/checkout";
import { quoteSale, useQuote } from "../sale/quote";
import { useDraft } from "../session/draft";
import { useSession } from "../session/session";
import type { Seen } from "../subscription/overview";
import { Bar } from "../ui/bar";
import { Field } from "../ui/field";
import { Instant } from "../ui/parts";
import { OfSubscription } from "./of-subscription";

type Sent = TopUpRequest & { expectedTotal: string };

interface Draft {
  readonly modelId: string;
  readonly units: string;
}

function Form({ id, account, seen: { subscription, usage }, reload }: { id: string; account: string; seen: Seen; reload: () => void }) {
  const first = usage.models[0]?.modelId ?? "";
  const [draft, setDraft, done] = useDraft<Draft>(account, `${id}.top-up`, { modelId: first, units: "" });
  const model = usage.models.find(({ modelId }) => modelId === draft.modelId);
  const units = parseWhole(draft.units);
  const body = model === undefined || units === null || units === 0 ? null : { modelId: model.modelId, units };
  const quoted = useQuote(body, (topUp) => quoteSale(id, { topUp }));
  const sale = useSale<Sent, Sold>(account, `${id}.top-up`, async (sent, key) => {
    const params = { path: { subscriptionId: id }, header: { "Idempotency-Key": key } };
    const bought = await answer(customerApi().POST("/v1/subscriptions/{subscriptionId}/top-ups", { body: sent, params }));
    done();
    return bought;
  });
  const refusal = sale.refusal ?? quoted.refusal;
  const again = () => {
    sale.forget();
    reload();
  };
  if (sale.sold !== null) return <Outcome answer={sale.sold} done="The units were added." onEnded={again} />;
  const unit = model?.unit ?? "units";
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <fieldset>
        <legend>What to add</legend>
        <Field label="Model" param="modelId" refusal={refusal}>
          {(tied) => (
            <select {...tied} value={draft.modelId} onChange={(event) => setDraft({ ...draft, modelId: event.currentTarget.value })}>
              {usage.models.map(({ modelId }) => (
                <option key={modelId} value={modelId}>
                  {modelId}
                </option>
              ))}
            </select>
          )}
        </Field>
        {model !== undefined && (
          <Bar label="This month" unit={unit} {...model.monthly} left={model.monthly.remaining} />
        )}
        <Field
          label={unit === "tokens" ? "Tokens to add" : "Generations to add"}
          hint={units === null ? `In whole ${unit}.` : `${whole(units)} ${unit}`}
          error={draft.units !== "" && body === null ? "Enter a whole number above 0." : null}
          param="units"
          refusal={refusal}
        >
          {(tied) => (
            <input {...tied} type="text" inputMode="numeric" autoComplete="off" value={draft.units} onInput={(event) => setDraft({ ...draft, units: event.currentTarget.value })} />
          )}
        </Field>
      </fieldset>
      <Checkout action="Top up" body={body} quoted={quoted} sale={sale} charged="Now" once>
        {model !== undefined && units !== null && (
          <p>
            {whole(units)} {unit} of {model.modelId} are added for the very next request. What is not used of them is gone at
            the end of the month, <Instant at={model.monthly.resetsAt} zone={subscription.timezone} />.
          </p>
        )}
      </Checkout>
    </form>
  );
}

export default function TopUp({ params: { id = "" } }: { params: Params }) {
  const account = useSession("customer")?.account ?? "";
  return (
    <OfSubscription id={id} title="Top up" when={["active", "suspended"]}>
      {(seen, reload) => <Form id={id} account={account} seen={seen} reload={reload} />}
    </OfSubscription>
  );
}
