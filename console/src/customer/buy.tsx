// Buying a subscription: its models, its months, its settings, with its price as it is put together.
// Rule: what is entered is kept until it is bought; the key that it makes is shown on this page, once.

import { customerApi, answer, read } from "../api/client";
import { useSale } from "../api/idempotent";
import type { Refusal } from "../api/refusal";
import type { Model, PurchaseRequest, Subscription } from "../api/types";
import { viewerZone } from "../format/times";
import { useCatalogue } from "../sale/catalogue";
import { Checkout, Outcome } from "../sale/checkout";
import { Months, RenewsItself } from "../sale/fields";
import { LineEditor } from "../sale/line-editor";
import { modelsOf, wrongLine } from "../sale/lines";
import type { Line } from "../sale/lines";
import { useQuote } from "../sale/quote";
import { useDraft } from "../session/draft";
import { useSession } from "../session/session";
import { Async } from "../ui/answers";
import { ChoiceField, TextField } from "../ui/inputs";
import { Page } from "../ui/page";
import { ButtonLink, Notice } from "../ui/parts";
import { useCurrent } from "./overview";

interface Draft {
  readonly lines: Line[];
  readonly months: number;
  readonly timezone: string;
  readonly renewal: { readonly on: boolean; readonly months: number };
  readonly label: string;
}

type Body = Omit<PurchaseRequest, "expectedTotal">;

const NOTHING: Draft = {
  lines: [],
  months: 1,
  timezone: viewerZone(),
  renewal: { on: false, months: 1 },
  label: "",
};
const ZONES = [...new Set([viewerZone(), "UTC", ...Intl.supportedValuesOf("timeZone")])];

/** The body of the purchase; null while something is missing or outside the catalogue's limits. */
function bodyOf({ lines, months, timezone, renewal, label }: Draft, catalogue: readonly Model[]): Body | null {
  const models = modelsOf(lines);
  if (models === null || models.length === 0 || lines.some((line) => wrongLine(line, catalogue))) return null;
  const renews = renewal.on ? { autoRenew: true, autoRenewMonths: renewal.months } : {};
  return { models, months, timezone, ...renews, ...(label.trim() === "" ? {} : { label: label.trim() }) };
}

function Running({ of }: { of: Subscription }) {
  return (
    <Notice tone="warn" title="You have a subscription already, and an account has one at a time.">
      <p>Change or extend it, or cancel it in its settings before you buy another one.</p>
      <ButtonLink href={`#/subscriptions/${of.subscriptionId}/change`}>Change it</ButtonLink>{" "}
      <ButtonLink href={`#/subscriptions/${of.subscriptionId}/extend`}>Extend it</ButtonLink>
    </Notice>
  );
}

function Form({ account, catalogue }: { account: string; catalogue: readonly Model[] }) {
  const [draft, setDraft, done] = useDraft<Draft>(account, "buy", NOTHING);
  const body = bodyOf(draft, catalogue);
  const quoted = useQuote(body, (asked) => read(customerApi().POST("/v1/quotes", { body: asked })));
  const sale = useSale(account, "buy", async (sent: PurchaseRequest & { expectedTotal: string }, key) => {
    const bought = await answer(
      customerApi().POST("/v1/subscriptions", { body: sent, params: { header: { "Idempotency-Key": key } } }),
    );
    done();
    return bought;
  });
  const refusal = sale.refusal ?? quoted.refusal;
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  if (sale.sold !== null)
    return <Outcome answer={sale.sold} done="The subscription was bought." makesKey onEnded={sale.forget} />;
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <h2>Models</h2>
      <LineEditor catalogue={catalogue} lines={draft.lines} refusal={refusal} onChange={(lines) => set({ lines })} />
      <h2>Term</h2>
      <Settings draft={draft} refusal={refusal} set={set} />
      <Checkout action="Buy" body={body} quoted={quoted} sale={sale}>
        <p>The term begins at once. The key is shown once, on the next page.</p>
        {draft.renewal.on && (
          <p>At its end it renews itself, at the prices of that moment, unless you switch that off.</p>
        )}
      </Checkout>
    </form>
  );
}

interface SettingsProps {
  readonly draft: Draft;
  readonly refusal: Refusal | null;
  readonly set: (change: Partial<Draft>) => void;
}

function Settings({ draft, refusal, set }: SettingsProps) {
  return (
    <fieldset>
      <legend>How long, and what it is called</legend>
      <div class="row">
        <Months
          label="Months"
          param="months"
          value={draft.months}
          refusal={refusal}
          onValue={(months) => set({ months })}
        />
        <ChoiceField
          label="Time zone"
          hint="Days and months of the limits begin and end in it. It stays for good."
          param="timezone"
          refusal={refusal}
          value={draft.timezone}
          choices={ZONES}
          onValue={(timezone) => set({ timezone })}
        />
        <TextField
          label="Label"
          hint="For your own order; at most 64 characters. Optional."
          param="label"
          refusal={refusal}
          maxLength={64}
          value={draft.label}
          onValue={(label) => set({ label })}
        />
        <RenewsItself renewal={draft.renewal} refusal={refusal} onValue={(renewal) => set({ renewal })} />
      </div>
    </fieldset>
  );
}

export default function Buy() {
  const account = useSession("customer")?.account ?? "";
  const catalogue = useCatalogue();
  const running = useCurrent().data;
  return (
    <Page title="Buy a subscription">
      {running !== null && <Running of={running} />}
      <Async of={catalogue} empty={{ when: (models) => models.length === 0, say: "Nothing is sold at the moment." }}>
        {(models) => <Form account={account} catalogue={models} />}
      </Async>
    </Page>
  );
}
