// The fields that several orders have: how many months, and whether it renews itself.
// Rule: a number of months is 1 to 12, chosen and never typed.

import type { Refusal } from "../api/refusal";
import { counted } from "../format/numbers";
import { ChoiceField, TickField } from "../ui/inputs";

interface MonthsProps {
  readonly label: string;
  readonly param: string;
  readonly value: number;
  readonly refusal: Refusal | null;
  readonly onValue: (months: number) => void;
}

const CHOICES = Array.from({ length: 12 }, (_, index) => String(index + 1));

export function Months({ value, onValue, ...field }: MonthsProps) {
  return (
    <ChoiceField
      {...field}
      value={String(value)}
      choices={CHOICES}
      words={(months) => counted(Number(months), "month")}
      onValue={(months) => onValue(Number(months))}
    />
  );
}

interface RenewsProps {
  readonly renewal: { readonly on: boolean; readonly months: number };
  readonly refusal: Refusal | null;
  readonly onValue: (renewal: { on: boolean; months: number }) => void;
}

/** Whether a term goes on by itself at its end, and by how many months. */
export function RenewsItself({ renewal, refusal, onValue }: RenewsProps) {
  return (
    <>
      <TickField
        label="Renew by itself at the end"
        hint="At the prices of that moment. You can switch it off at any time before."
        param="autoRenew"
        refusal={refusal}
        checked={renewal.on}
        onValue={(on) => onValue({ ...renewal, on })}
      />
      {renewal.on && (
        <Months
          label="Renew by"
          param="autoRenewMonths"
          value={renewal.months}
          refusal={refusal}
          onValue={(months) => onValue({ ...renewal, months })}
        />
      )}
    </>
  );
}
