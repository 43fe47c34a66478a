// Topping up: more units of one model, for the rest of its month.
// Rule: what is bought so is gone with the month, and the page says when that is.

import { answer, customerApi } from "../api/client";
import { useSale } from "../api/idempotent";
import type { ModelUsage, Sold, TopUpRequest } from "../api/types";
import { parseWhole, whole } from "../format/numbers";
import type { Params } from "../routes";
import { Checkout, Outcome } from "../sale/checkout";
import { quoteSale, useQuote } from "../sale/quote";
import { useDraft } from "../session/draft";
import { useSession } from "../session/session";
import type { Seen } from "../subscription/overview";
import { Bar } from "../ui/bar";
import { ChoiceField, TextField } from "../ui/inputs";
import { Instant } from "../ui/parts";
import { OfSubscription } from "./of-subscription";

type Sent = TopUpRequest & { expectedTotal: string };

interface Draft {
  readonly modelId: string;
  readonly units: string;
}

interface FormProps {
  readonly id: string;
  readonly account: string;
  readonly seen: Seen;
  readonly reload: () => void;
}

/** What is entered, what it costs, and the way to order it. */
function useTopUp({ id, account, seen: { usage } }: FormProps) {
  const first = usage.models[0]?.modelId ?? "";
  const [draft, setDraft, done] = useDraft<Draft>(account, `${id}.top-up`, { modelId: first, units: "" });
  const model = usage.models.find(({ modelId }) => modelId === draft.modelId);
  const units = parseWhole(draft.units);
  const body = model === undefined || units === null || units === 0 ? null : { modelId: model.modelId, units };
  const quoted = useQuote(body, (topUp) => quoteSale(id, { topUp }));
  const sale = useSale<Sent, Sold>(account, `${id}.top-up`, async (sent, key) => {
    const params = { path: { subscriptionId: id }, header: { "Idempotency-Key": key } };
    const bought = await answer(
      customerApi().POST("/v1/subscriptions/{subscriptionId}/top-ups", { body: sent, params }),
    );
    done();
    return bought;
  });
  return { draft, setDraft, model, body, quoted, sale, refusal: sale.refusal ?? quoted.refusal };
}

function Fields({ order, models }: { order: ReturnType<typeof useTopUp>; models: readonly ModelUsage[] }) {
  const { draft, setDraft, model, body, refusal } = order;
  const unit = model?.unit ?? "units";
  return (
    <fieldset>
      <legend>What to add</legend>
      <ChoiceField
        label="Model"
        param="modelId"
        refusal={refusal}
        value={draft.modelId}
        choices={models.map(({ modelId }) => modelId)}
        onValue={(modelId) => setDraft({ ...draft, modelId })}
      />
      {model !== undefined && <Bar label="This month" unit={unit} {...model.monthly} left={model.monthly.remaining} />}
      <TextField
        label={unit === "tokens" ? "Tokens to add" : "Generations to add"}
        hint={body === null ? `In whole ${unit}.` : `${whole(body.units)} ${unit}`}
        error={draft.units !== "" && body === null ? "Enter a whole number above 0." : null}
        param="units"
        refusal={refusal}
        whole
        value={draft.units}
        onValue={(units) => setDraft({ ...draft, units })}
      />
    </fieldset>
  );
}

function Form(props: FormProps) {
  const order = useTopUp(props);
  const { model, body, quoted, sale } = order;
  const again = () => {
    sale.forget();
    props.reload();
  };
  if (sale.sold !== null) return <Outcome answer={sale.sold} done="The units were added." onEnded={again} />;
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <Fields order={order} models={props.seen.usage.models} />
      <Checkout action="Top up" body={body} quoted={quoted} sale={sale} charged="Now" once>
        {model !== undefined && body !== null && (
          <p>
            {whole(body.units)} {model.unit} of {model.modelId} are added for the very next request. What is not used of
            them is gone at the end of the month,{" "}
            <Instant at={model.monthly.resetsAt} zone={props.seen.subscription.timezone} />.
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
