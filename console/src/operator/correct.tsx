// A correction of what was used: units and calls of one model, in the windows of an instant.
// Rule: it is booked once, however often it is sent: its key is kept with its contents until there is a certain answer.

import { useState } from "preact/hooks";
import { operatorApi, read } from "../api/client";
import type { Refusal } from "../api/refusal";
import { openOf as openBody, sendOnce } from "../api/sent";
import type { Correction, CorrectionRequest, ModelUsage } from "../api/types";
import { counted, signed, whole } from "../format/numbers";
import type { Seen } from "../subscription/overview";
import { ReasonDialog } from "../ui/dialog";
import { ChoiceField, TextField } from "../ui/inputs";
import { Instant, Notice } from "../ui/parts";
import { Table } from "../ui/table";
import { amountFault, bodyOf, shifts } from "./amounts";
import type { Shift, Typed, Way } from "./amounts";
import { WhenField } from "./when-field";

/** What was booked, and the windows that were shown when it was asked for. */
export interface Booked {
  readonly correction: Correction;
  /** Null where the list does not have the model any more. */
  readonly before: ModelUsage | null;
}

interface CorrectProps {
  readonly account: string;
  readonly way: Way;
  readonly seen: Seen;
  readonly onDone: (booked: Booked) => void;
  readonly onClose: () => void;
}

const WORDS: Readonly<Record<Way, readonly [title: string, action: string, consequence: string]>> = {
  correct: [
    "Correct what was used?",
    "Book the correction",
    "It counts at once: what is taken away can be used again, and what is added may use up the limit. The customer sees it in the event trail, with the reason. To undo it, book the opposite.",
  ],
  "give-back": [
    "Give calls back?",
    "Give back",
    "The customer can make as many calls more on that day. He sees it in the event trail, with the reason. Units stay as they are.",
  ],
};

/** The correction that was sent and got no certain answer; null where there is none. */
function openOf(name: string): CorrectionRequest | null {
  return openBody(name) as CorrectionRequest | null;
}

interface FieldsProps {
  readonly way: Way;
  readonly models: readonly ModelUsage[];
  readonly typed: Typed;
  readonly onTyped: (typed: Typed) => void;
  readonly refusal: Refusal | null;
}

/** The hint of an amount; what is used now is told as long as it is about the windows of now. */
function hintOf(way: Way, typed: Typed, now: string | undefined): string {
  const amount = way === "correct" ? "Added; below 0 takes away." : "How many.";
  return typed.at === "" && now !== undefined ? `${amount} ${now}` : amount;
}

function Amounts({ way, models, typed, onTyped, refusal }: FieldsProps) {
  const model = models.find(({ modelId }) => modelId === typed.modelId);
  const units = model && `${whole(model.monthly.used)} ${model.unit} are used this month.`;
  const calls = model && `${counted(model.daily.used, "call is", "calls are")} used today.`;
  return (
    <>
      {way === "correct" && (
        <TextField
          label="Units"
          hint={hintOf(way, typed, units)}
          error={amountFault(way, typed.units)}
          param="units"
          refusal={refusal}
          value={typed.units}
          onValue={(text) => onTyped({ ...typed, units: text })}
        />
      )}
      <TextField
        label="Calls"
        hint={hintOf(way, typed, calls)}
        error={amountFault(way, typed.calls)}
        param="calls"
        refusal={refusal}
        whole={way === "give-back"}
        value={typed.calls}
        onValue={(text) => onTyped({ ...typed, calls: text })}
      />
    </>
  );
}

function Fields(props: FieldsProps) {
  const { models, typed, onTyped, refusal } = props;
  return (
    <>
      <ChoiceField
        label="Model"
        param="modelId"
        refusal={refusal}
        value={typed.modelId}
        choices={models.map(({ modelId }) => modelId)}
        onValue={(modelId) => onTyped({ ...typed, modelId })}
      />
      <Amounts {...props} />
      <WhenField
        label="For the windows of"
        empty="Empty: of this moment."
        param="at"
        refusal={refusal}
        value={typed.at}
        onValue={(at) => onTyped({ ...typed, at })}
      />
    </>
  );
}

/** Books `body`, or what is open under `name` in its place, and answers what came of it. */
async function book(name: string, id: string, body: CorrectionRequest, models: readonly ModelUsage[]): Promise<Booked> {
  const correction = await sendOnce(name, openOf(name) ?? body, (sent, key) => {
    const params = { path: { subscriptionId: id }, header: { "Idempotency-Key": key } };
    return read(
      operatorApi(sent.reason).POST("/v1/subscriptions/{subscriptionId}/corrections", { params, body: sent }),
    );
  });
  return { correction, before: models.find(({ modelId }) => modelId === correction.modelId) ?? null };
}

/** Asks for a correction and books it. `account` is the operator's own, whose drafts keep what got no answer. */
export function CorrectDialog({ account, way, seen, onDone, onClose }: CorrectProps) {
  const { models, subscriptionId } = seen.usage;
  const name = `${account}.correct-${subscriptionId}`;
  const open = openOf(name);
  const [typed, setTyped] = useState<Typed>({ modelId: models[0]?.modelId ?? "", units: "", calls: "", at: "" });
  const body = open ?? bodyOf(way, typed);
  const [title, action, consequence] = WORDS[way];
  return (
    <ReasonDialog
      title={title}
      action={open === null ? action : "Send it once more"}
      ready={body !== null}
      param="reason"
      initial={open?.reason ?? ""}
      work={(reason) => book(name, subscriptionId, { modelId: typed.modelId, ...body, reason }, models)}
      onDone={onDone}
      onClose={onClose}
    >
      {(refusal) => (
        <>
          <p>{consequence}</p>
          {open === null ? (
            <Fields way={way} models={models} typed={typed} onTyped={setTyped} refusal={refusal} />
          ) : (
            <Open of={open} />
          )}
        </>
      )}
    </ReasonDialog>
  );
}

/** What is open is sent as it was: anything else could be booked beside it. */
function Open({ of }: { of: CorrectionRequest }) {
  return (
    <Notice tone="warn" title="An earlier correction got no certain answer.">
      <p>
        It may have been booked. Send it once more as it was: it is booked once all the same. It is about {of.modelId}:{" "}
        {signed(of.units ?? 0)} units, {signed(of.calls ?? 0)} calls.
      </p>
    </Notice>
  );
}

const FIGURES = [
  { head: "Now", cell: ({ what }: Shift) => what },
  { head: "Before", numeric: true, cell: ({ before }: Shift) => whole(before) },
  { head: "After", numeric: true, cell: ({ after }: Shift) => whole(after) },
  { head: "Difference", numeric: true, cell: ({ before, after }: Shift) => signed(after - before) },
];

/** What a correction came to: what was booked, and the windows of now before and after it. */
export function BookedNotice({ booked: { correction, before }, zone }: { booked: Booked; zone: string }) {
  const { modelId, units, calls, at } = correction;
  const unit = before?.unit ?? "units";
  return (
    <section class="card" aria-label="The correction">
      <h2>Booked for {modelId}</h2>
      <p>
        {signed(units)} {unit}, {signed(calls)} calls, in the windows of <Instant at={at} zone={zone} />.
      </p>
      {before !== null && (
        <Table
          caption="The windows of now, as they were shown before, and after"
          columns={FIGURES}
          rows={shifts(unit, before, correction)}
          rowKey={({ what }) => what}
        />
      )}
    </section>
  );
}
