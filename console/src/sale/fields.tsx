// The fields that several orders have: how many months, and whether it renews itself.
// Rule: a number of months is 1 to 12, chosen and never typed.

import type { Refusal } from "../api/refusal";
import { counted } from "../format/numbers";
import { Field } from "../ui/field";

interface MonthsProps {
  readonly label: string;
  readonly hint?: string;
  readonly param: string;
  readonly value: number;
  readonly refusal: Refusal | null;
  readonly onChange: (months: number) => void;
}

const CHOICES = Array.from({ length: 12 }, (_, index) => index + 1);

export function Months({ label, hint, param, value, refusal, onChange }: MonthsProps) {
  return (
    <Field label={label} {...(hint === undefined ? {} : { hint })} param={param} refusal={refusal}>
      {(tied) => (
        <select {...tied} value={String(value)} onChange={(event) => onChange(Number(event.currentTarget.value))}>
          {CHOICES.map((months) => (
            <option key={months} value={String(months)}>
              {counted(months, "month")}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface RenewsProps {
  readonly checked: boolean;
  readonly refusal: Refusal | null;
  readonly onChange: (checked: boolean) => void;
}

/** Whether a term goes on by itself at its end. */
export function RenewsItself({ checked, refusal, onChange }: RenewsProps) {
  return (
    <Field label="Renew by itself at the end" hint="At the prices of that moment. You can switch it off at any time before." param="autoRenew" refusal={refusal}>
      {(tied) => <input {...tied} type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />}
    </Field>
  );
}
