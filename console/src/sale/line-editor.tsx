// The models of an order, each in a box of its own: tier, calls a day, units a month; and those that can be added.
// Rule: a box says what its figures may be and what its tier costs; a refusal of the service stands at the field it names.

import { useEffect, useRef } from "preact/hooks";
import type { Refusal } from "../api/refusal";
import type { Entitlement, Model, Tier } from "../api/types";
import { whole } from "../format/numbers";
import { ChoiceField, TextField } from "../ui/inputs";
import { announce } from "../ui/page";
import { Badge, Button } from "../ui/parts";
import { priceWords } from "./catalogue";
import { newLine, problem } from "./lines";
import type { Figure, Line } from "./lines";

const MOST = 40;

interface BoxProps {
  readonly line: Line;
  readonly index: number;
  readonly model: Model | undefined;
  readonly kept: Entitlement | undefined;
  readonly refusal: Refusal | null;
  readonly onChange: (line: Line) => void;
  readonly onRemove: () => void;
}

function Limit({ figure, line, index, model, kept, refusal, onChange }: BoxProps & { figure: Figure }) {
  const limits = model?.limits[figure];
  const unit = (model?.unit ?? kept?.unit) === "generations" ? "Generations" : "Tokens";
  const gone = "Not sold any more: it can stay as it is, or go.";
  return (
    <TextField
      label={figure === "dailyCallLimit" ? "Calls a day" : `${unit} a month`}
      hint={limits === undefined ? gone : `${whole(limits.min)} to ${whole(limits.max)}`}
      error={problem(line, figure, model, kept?.[figure])}
      param={`models[${index}].${figure}`}
      refusal={refusal}
      whole
      value={line[figure]}
      onValue={(value) => onChange({ ...line, [figure]: value })}
    />
  );
}

/** What the tier of a line costs, and whether it is up. */
function tierWords(model: Model | undefined, tier: Tier): string {
  const offered = model?.tiers.find(({ channelTier }) => channelTier === tier);
  if (model === undefined || offered === undefined) return "It is not sold so any more.";
  return priceWords({ price: offered.price, unit: model.unit }) + (offered.available ? "" : " – down at the moment");
}

function LineBox(props: BoxProps) {
  const { line, index, model, refusal, onChange, onRemove } = props;
  const offered = model?.tiers.map(({ channelTier }) => channelTier) ?? [];
  return (
    <fieldset>
      <legend>{line.modelId}</legend>
      <div class="row">
        <ChoiceField
          label="Tier"
          hint={tierWords(model, line.channelTier)}
          param={`models[${index}].channelTier`}
          refusal={refusal}
          value={line.channelTier}
          choices={offered.includes(line.channelTier) ? offered : [line.channelTier, ...offered]}
          onValue={(channelTier) => onChange({ ...line, channelTier })}
        />
        <Limit {...props} figure="dailyCallLimit" />
        <Limit {...props} figure="monthlyTokenCap" />
      </div>
      {refusal?.param === `models[${index}].modelId` && <p class="error">{refusal.message}</p>}
      <Button onClick={onRemove} label={`Take out ${line.modelId}`}>
        Take out
      </Button>
    </fieldset>
  );
}

interface EditorProps {
  readonly catalogue: readonly Model[];
  readonly lines: readonly Line[];
  /** What is in force, where there is something: figures that stay are not held to the limits. */
  readonly inForce?: readonly Entitlement[];
  readonly refusal: Refusal | null;
  readonly onChange: (lines: Line[]) => void;
}

/** Adding and taking out, each with the focus led to where it goes on: the new line, or the models that can be added. */
function useEdits(lines: readonly Line[], onChange: (lines: Line[]) => void) {
  const place = useRef<HTMLDivElement>(null);
  const next = useRef("");
  useEffect(() => {
    if (next.current !== "") place.current?.querySelector<HTMLElement>(next.current)?.focus();
    next.current = "";
  }, [lines.length]);
  const replace = (index: number, line: Line) => onChange(lines.map((old, at) => (at === index ? line : old)));
  const remove = (index: number) => {
    next.current = "h3";
    onChange(lines.filter((_, at) => at !== index));
    announce(`${lines[index]?.modelId ?? ""} was taken out.`);
  };
  const add = (model: Model) => {
    next.current = "fieldset:last-of-type select";
    onChange([...lines, newLine(model)]);
    announce(`${model.modelId} was added.`);
  };
  return { place, replace, remove, add };
}

export function LineEditor({ catalogue, lines, inForce = [], refusal, onChange }: EditorProps) {
  const { place, replace, remove, add } = useEdits(lines, onChange);
  const chosen = new Set(lines.map(({ modelId }) => modelId));
  return (
    <div ref={place}>
      {lines.map((line, index) => (
        <LineBox
          key={line.modelId}
          line={line}
          index={index}
          model={catalogue.find(({ modelId }) => modelId === line.modelId)}
          kept={inForce.find(({ modelId }) => modelId === line.modelId)}
          refusal={refusal}
          onChange={(next) => replace(index, next)}
          onRemove={() => remove(index)}
        />
      ))}
      <h3 tabIndex={-1}>{lines.length === 0 ? "Choose the models" : "Add a model"}</h3>
      <div class="cards">
        {catalogue
          .filter(({ modelId }) => !chosen.has(modelId))
          .map((model) => (
            <Offer key={model.modelId} model={model} full={lines.length >= MOST} onAdd={() => add(model)} />
          ))}
      </div>
    </div>
  );
}

function Offer({ model, full, onAdd }: { model: Model; full: boolean; onAdd: () => void }) {
  return (
    <section class="card" aria-label={model.modelId}>
      <h4>
        {model.modelId} <Badge tone="calm">{model.kind}</Badge>
      </h4>
      <ul class="offers">
        {model.tiers.map((tier) => (
          <li key={tier.channelTier}>
            <strong>{tier.channelTier}</strong>: {priceWords({ price: tier.price, unit: model.unit })}
            {!tier.available && " – down at the moment"}
          </li>
        ))}
      </ul>
      <Button onClick={onAdd} disabled={full} label={`Add ${model.modelId}`}>
        Add
      </Button>
    </section>
  );
}
