// A day and a time to fill in, in the zone of whoever fills it in.
// Rule: the field says whose time it is; `instantOf` makes an instant of what it holds.

import { viewerZone } from "../format/times";
import { Field } from "../ui/field";
import type { FieldProps } from "../ui/field";

interface WhenProps extends Omit<FieldProps, "children" | "hint"> {
  /** What an empty field means, where it may be empty. */
  readonly empty?: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

export function WhenField({ empty, value, onValue, ...field }: WhenProps) {
  const whose = `In your time zone, ${viewerZone()}.`;
  return (
    <Field {...field} hint={empty === undefined ? whose : `${whose} ${empty}`}>
      {(tied) => (
        <input {...tied} type="datetime-local" value={value} onInput={(event) => onValue(event.currentTarget.value)} />
      )}
    </Field>
  );
}
