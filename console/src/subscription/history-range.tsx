// Which days of a history are looked at: one of the usual ranges, or two days that somebody enters.
// Rule: days are those of the subscription's time zone, and the last one is what the service says.

import { useState } from "preact/hooks";
import type { Refusal } from "../api/refusal";
import { Field } from "../ui/field";
import { Button } from "../ui/parts";
import { ranges, shifted, wrongRange } from "./usage-days";
import type { Range } from "./usage-days";

interface RangeProps {
  /** The last day that there is; null while that is not known. */
  readonly last: string | null;
  /** What is looked at; null for the last 31 days. */
  readonly range: Range | null;
  readonly zone: string;
  readonly refusal: Refusal | null;
  readonly onRange: (range: Range) => void;
}

interface DaysProps {
  readonly days: Range;
  readonly refusal: Refusal | null;
  /** What the console itself finds wrong. */
  readonly wrong: string | null;
  readonly onDays: (days: Range) => void;
}

const SIDES = [
  ["from", "First day"],
  ["to", "Last day"],
] as const;

function Days({ days, refusal, wrong, onDays }: DaysProps) {
  return (
    <div class="row">
      {SIDES.map(([side, label]) => (
        <Field key={side} label={label} param={side} refusal={refusal} error={side === "from" ? wrong : null}>
          {(tied) => (
            <input
              {...tied}
              type="date"
              value={days[side]}
              onInput={(event) => onDays({ ...days, [side]: event.currentTarget.value })}
            />
          )}
        </Field>
      ))}
    </div>
  );
}

/** The ranges that need no typing; the one that is looked at is marked. */
function Usual({ last, now, onRange }: { last: string | null; now: Range | null; onRange: (range: Range) => void }) {
  if (last === null) return null;
  return (
    <div class="actions ranges">
      {Object.entries(ranges(last)).map(([name, each]) => (
        <Button key={name} pressed={each.from === now?.from && each.to === now.to} onClick={() => onRange(each)}>
          {name}
        </Button>
      ))}
    </div>
  );
}

export function HistoryRange({ last, range, zone, refusal, onRange }: RangeProps) {
  const now = range ?? (last === null ? null : { from: shifted(last, -30), to: last });
  const [typed, setTyped] = useState<Range | null>(null);
  const wrong = typed === null ? null : wrongRange(typed);
  const choose = (next: Range) => {
    setTyped(null);
    onRange(next);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (typed !== null && wrong === null) choose(typed);
  };
  return (
    <form onSubmit={submit}>
      <Usual last={last} now={now} onRange={choose} />
      <Days days={typed ?? now ?? { from: "", to: "" }} refusal={refusal} wrong={wrong} onDays={setTyped} />
      <p>
        <Button type="submit" disabled={typed === null || wrong !== null}>
          Show these days
        </Button>{" "}
        <span class="aside">Days of the time zone {zone}.</span>
      </p>
    </form>
  );
}
