// One thing to fill in: its label, a hint, and what is wrong with it, tied together for a screen reader.
// Rule: a refusal that names a `param` is shown at the field that has this param, and the field is marked.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Refusal } from "../api/refusal";

export interface Tied {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean;
}

export interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  /** What the console itself finds wrong. */
  readonly error?: string | null | undefined;
  /** The name that the service has for it, and the refusal that may be about it. */
  readonly param?: string;
  readonly refusal?: Refusal | null;
  /** Draws the control with the attributes that tie it to label, hint and error. */
  readonly children: (tied: Tied) => ComponentChildren;
}

export function Field({ label, hint, error, param, refusal, children }: FieldProps) {
  const id = useId();
  const wrong = error ?? (param !== undefined && refusal?.param === param ? refusal.message : null);
  const described = [hint !== undefined ? `${id}-hint` : "", wrong !== null ? `${id}-error` : ""]
    .filter(Boolean)
    .join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": described === "" ? undefined : described, "aria-invalid": wrong !== null })}
      {hint !== undefined && (
        <div class="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {wrong !== null && (
        <div class="error" id={`${id}-error`}>
          {wrong}
        </div>
      )}
    </div>
  );
}
