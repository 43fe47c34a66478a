// The controls that forms are made of, each in a Field: a text, a choice, a tick.
// Rule: a control holds nothing by itself; its value comes from the form's draft, and each change goes there.

import { Field } from "./field";
import type { FieldProps } from "./field";

type Labelled = Omit<FieldProps, "children">;

interface TextProps extends Labelled {
  readonly value: string;
  readonly onValue: (value: string) => void;
  /** A whole number is meant: a phone shows digits. It is still a text, to be read by `parseWhole`. */
  readonly whole?: boolean;
  readonly maxLength?: number;
}

export function TextField({ value, onValue, whole, maxLength, ...field }: TextProps) {
  return (
    <Field {...field}>
      {(tied) => (
        <input
          {...tied}
          type="text"
          inputMode={whole === true ? "numeric" : "text"}
          autoComplete="off"
          maxLength={maxLength}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface ChoiceProps<Value extends string> extends Labelled {
  readonly value: Value;
  readonly choices: readonly Value[];
  /** What a choice is called; by default it is shown as it is. */
  readonly words?: (value: Value) => string;
  readonly onValue: (value: Value) => void;
}

export function ChoiceField<Value extends string>({ value, choices, words, onValue, ...field }: ChoiceProps<Value>) {
  return (
    <Field {...field}>
      {(tied) => (
        <select {...tied} value={value} onChange={(event) => onValue(event.currentTarget.value as Value)}>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {words?.(choice) ?? choice}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface TickProps extends Labelled {
  readonly checked: boolean;
  readonly onValue: (checked: boolean) => void;
}

export function TickField({ checked, onValue, ...field }: TickProps) {
  return (
    <Field {...field}>
      {(tied) => (
        <input {...tied} type="checkbox" checked={checked} onChange={(event) => onValue(event.currentTarget.checked)} />
      )}
    </Field>
  );
}
