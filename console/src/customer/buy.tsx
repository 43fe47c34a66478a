// Buying a subscription: its models, its months, its settings, with its price as it is put together.
// Rule: what is entered is kept until it is bought; the key that it makes is shown on this page, once.

import { customerApi, answer, read } from "../api/client";
import { useSale } from "../api/idempotent";
import type { Model, PurchaseRequest, Subscription } from "../api/types";
import { viewerZone } from "../format/times";
import { useCatalogue } from "../sale/catalogue";
import { Checkout, Outcome } from "../sale/checkout";
import { Months, RenewsItself } from "../sale/fields";
import { LineEditor } from "../sale/line-editor";
import { modelsOf, problem } from "../sale/lines";
import type { Line } from "../sale/lines";
import { useQuote } from "../sale/quote";
import { useDraft } from "../session/draft";
import { useSession } from "../session/session";
import { Async } from "../ui/answers";
import { Field } from "../ui/field";
import { Page } from "../ui/page";
import { ButtonLink, Notice } from "../ui/parts";
import { useCurrent } from "./overview";

interface Draft {
  readonly lines: Line[];
  readonly months: number;
  readonly timezone: string;
  readonly autoRenew: boolean;
  readonly autoRenewMonths: number;
  readonly label: string;
}

type Body = Omit<PurchaseRequest, "expectedTotal">;

const NOTHING: Draft = { lines: [], months: 1, timezone: viewerZone(), autoRenew: false, autoRenewMonths: 1, label: "" };
const ZONES = [...new Set([viewerZone(), "UTC", ...Intl.supportedValuesOf("timeZone")])];

/** The body of the purchase; null while something is missing or outside the catalogue's limits. */
function bodyOf({ lines, months, timezone, autoRenew, autoRenewMonths, label }: Draft, catalogue: readonly Model[]): Body | null {
  const models = modelsOf(lines);
  const of = (line: Line) => catalogue.find(({ modelId }) => modelId === line.modelId);
  const wrong = lines.some((line) => problem(line, "dailyCallLimit", of(line)) ?? problem(line, "monthlyTokenCap", of(line)));
  if (models === null || models.length === 0 || wrong) return null;
  const named = label.trim() === "" ? {} : { label: label.trim() };
  return { models, months, timezone, autoRenew, ...(autoRenew ? { autoRenewMonths } : {}), ...named };
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
    const bought = await answer(customerApi().POST("/v1/subscriptions", { body: sent, params: { header: { "Idempotency-Key": key } } }));
    done();
    return bought;
  });
  const refusal = sale.refusal ?? quoted.refusal;
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  if (sale.sold !== null) return <Outcome answer={sale.sold} done="The subscription was bought." makesKey onEnded={sale.forget} />;
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <h2>Models</h2>
      <LineEditor catalogue={catalogue} lines={draft.lines} refusal={refusal} onChange={(lines) => set({ lines })} />
      <h2>Term</h2>
      <Settings draft={draft} refusal={refusal} set={set} />
      <Checkout action="Buy" body={body} quoted={quoted} sale={sale}>
        <p>The term begins at once. The key is shown once, on the next page.</p>
        {draft.autoRenew && <p>At its end it renews itself, at the prices of that moment, unless you switch that off.</p>}
      </Checkout>
    </form>
  );
}

function Settings({ draft, refusal, set }: { draft: Draft; refusal: ReturnType<typeof useQuote>["refusal"]; set: (change: Partial<Draft>) => void }) {
  return (
    <fieldset>
      <legend>How long, and what it is called</legend>
      <div class="row">
        <Months label="Months" param="months" value={draft.months} refusal={refusal} onChange={(months) => set({ months })} />
        <Field label="Time zone" hint="Days and months of the limits begin and end in it. It stays for good." param="timezone" refusal={refusal}>
          {(tied) => (
            <select {...tied} value={draft.timezone} onChange={(event) => set({ timezone: event.currentTarget.value })}>
              {ZONES.map((zone) => (
                <option key={zone} value={zone}>
                  {zone}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Label" hint="For your own order; at most 64 characters. Optional." param="label" refusal={refusal}>
          {(tied) => <input {...tied} type="text" maxLength={64} value={draft.label} onInput={(event) => set({ label: event.currentTarget.value })} />}
        </Field>
        <RenewsItself checked={draft.autoRenew} refusal={refusal} onChange={(autoRenew) => set({ autoRenew })} />
        {draft.autoRenew && <Months label="Renew by" param="autoRenewMonths" value={draft.autoRenewMonths} refusal={refusal} onChange={(autoRenewMonths) => set({ autoRenewMonths })} />}
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
