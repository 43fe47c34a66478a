// The fields of a model, and what example orders of it would cost.
// Rule: an amount is typed and kept as a text with a point; what is wrong is said at its field.

import type { PutModel, ReadModel, Tier } from "../api/types";
import { compare } from "../format/decimal";
import { whole } from "../format/numbers";
import { short } from "../sale/catalogue";
import { ChoiceField, TextField, TickField } from "../ui/inputs";
import { Money } from "../ui/parts";
import { Table } from "../ui/table";
import { AMOUNTS, KINDS, LIMITS, TIERS, amountProblem, boundProblem, examples, unitOf } from "./model-draft";
import type { ModelDraft, TierDraft } from "./model-draft";

interface FieldsProps {
  readonly draft: ModelDraft;
  readonly onDraft: (draft: ModelDraft) => void;
}

const AMOUNT_NAMES: Readonly<Record<(typeof AMOUNTS)[number], string>> = {
  base: "A month",
  perUnit: "Each unit of the monthly limit",
  perDailyCall: "Each daily call",
};
const LIMIT_NAMES: Readonly<Record<(typeof LIMITS)[number], string>> = {
  dailyCallLimit: "Daily calls",
  monthlyTokenCap: "Monthly units",
};

function TierFields({ tier, of, onValue }: { tier: Tier; of: TierDraft; onValue: (of: TierDraft) => void }) {
  return (
    <fieldset>
      <legend>Tier {tier}</legend>
      <TickField label={`Offered in ${tier}`} checked={of.offered} onValue={(offered) => onValue({ ...of, offered })} />
      {of.offered && (
        <div class="row">
          {AMOUNTS.map((name) => (
            <TextField
              key={name}
              label={AMOUNT_NAMES[name]}
              error={amountProblem(of.price[name])}
              value={of.price[name]}
              onValue={(value) => onValue({ ...of, price: { ...of.price, [name]: value } })}
            />
          ))}
        </div>
      )}
    </fieldset>
  );
}

function LimitFields({ draft, onDraft }: FieldsProps) {
  const set = (limit: (typeof LIMITS)[number], end: "min" | "max", value: string) =>
    onDraft({ ...draft, limits: { ...draft.limits, [limit]: { ...draft.limits[limit], [end]: value } } });
  return (
    <fieldset>
      <legend>What may be bought of it</legend>
      <div class="row">
        {LIMITS.flatMap((limit) =>
          (["min", "max"] as const).map((end) => (
            <TextField
              key={limit + end}
              label={`${LIMIT_NAMES[limit]}, ${end === "min" ? "least" : "most"}`}
              whole
              error={boundProblem(draft, limit, end)}
              value={draft.limits[limit][end]}
              onValue={(value) => set(limit, end, value)}
            />
          )),
        )}
      </div>
    </fieldset>
  );
}

export function ModelFields({ draft, onDraft }: FieldsProps) {
  const fixed = draft.from !== null && draft.from.kind !== null;
  return (
    <>
      <fieldset>
        <legend>What it is</legend>
        <div class="row">
          <ChoiceField
            label="Kind"
            hint={`Counted in ${unitOf(draft.kind)}. The kind stays for good.`}
            value={draft.kind}
            choices={fixed ? [draft.kind] : KINDS}
            onValue={(kind) => onDraft({ ...draft, kind })}
          />
          <TextField
            label="Currency"
            hint="Three capital letters. One for the whole catalogue, for good."
            error={/^[A-Z]{3}$/.test(draft.currency) ? null : "Three capital letters, such as USD."}
            maxLength={3}
            value={draft.currency}
            onValue={(currency) => onDraft({ ...draft, currency })}
          />
        </div>
      </fieldset>
      {TIERS.map((tier) => (
        <TierFields
          key={tier}
          tier={tier}
          of={draft.tiers[tier]}
          onValue={(of) => onDraft({ ...draft, tiers: { ...draft.tiers, [tier]: of } })}
        />
      ))}
      <LimitFields draft={draft} onDraft={onDraft} />
    </>
  );
}

function changes(before: string | null, after: string | null): string {
  if (before === null) return "new";
  if (after === null) return "not sold any more";
  const sign = compare(after, before);
  return sign === 0 ? "as it is" : sign > 0 ? "dearer" : "cheaper";
}

/** What orders of the model cost a month, now and then. */
export function PricePreview({ now, body }: { now: ReadModel | null; body: PutModel | null }) {
  if (body === null)
    return <p class="aside">What orders cost is shown here as soon as a tier is offered and everything is right.</p>;
  const currency = body.tiers[0]?.price.currency ?? "USD";
  const amount = (value: string | null) =>
    value === null ? "not sold" : <Money amount={short(value)} currency={currency} />;
  return (
    <Table
      caption="What a month of it would cost"
      seen
      rows={examples(now, body)}
      rowKey={({ tier, calls }) => `${tier} ${calls}`}
      columns={[
        {
          head: "Order",
          cell: ({ tier, calls, units }) =>
            `${tier}: ${whole(calls)} calls a day, ${whole(units)} ${unitOf(body.kind)}`,
        },
        { head: "Now", numeric: true, cell: ({ before }) => amount(before) },
        { head: "Then", numeric: true, cell: ({ after }) => amount(after) },
        { head: "Change", cell: ({ before, after }) => changes(before, after) },
      ]}
    />
  );
}
