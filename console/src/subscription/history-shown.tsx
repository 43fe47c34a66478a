// What a range of the history shows: which models, their charts, their sums, and every day.
// Rule: the tables hold every figure that the charts show, so that nobody needs to see a chart.

import { useState } from "preact/hooks";
import type { UsageDay } from "../api/types";
import { counted, whole } from "../format/numbers";
import { day } from "../format/times";
import { TickField } from "../ui/inputs";
import { Badge, Button } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";
import { UsageChart } from "./usage-chart";
import { modelsOf, total } from "./usage-days";
import type { UnitOf } from "./usage-days";

interface ShownProps {
  /** The days of the models that are chosen. */
  readonly days: readonly UsageDay[];
  /** Every model of the range. */
  readonly models: readonly string[];
  readonly hidden: ReadonlySet<string>;
  readonly onHidden: (hidden: ReadonlySet<string>) => void;
  readonly unitOf: UnitOf;
}

function Models({ models, hidden, onHidden }: Pick<ShownProps, "models" | "hidden" | "onHidden">) {
  if (models.length < 2) return null;
  const set = (modelId: string, shown: boolean) => {
    const next = new Set(hidden);
    if (shown) next.delete(modelId);
    else next.add(modelId);
    onHidden(next);
  };
  return (
    <fieldset>
      <legend>Models</legend>
      <div class="row">
        {models.map((modelId) => (
          <TickField
            key={modelId}
            label={modelId}
            checked={!hidden.has(modelId)}
            onValue={(shown) => set(modelId, shown)}
          />
        ))}
      </div>
    </fieldset>
  );
}

const UNITS = ["tokens", "generations", null] as const;

/** A chart of the calls, and one for each unit that the models have: tokens and generations do not add up. */
function Charts({ days, models, unitOf }: Pick<ShownProps, "days" | "models" | "unitOf">) {
  return (
    <>
      <h2>Day by day</h2>
      <div class="cards charts">
        <UsageChart title="Calls" days={days} models={models} figure="calls" />
        {UNITS.map((unit) => {
          const of = days.filter(({ modelId }) => unitOf(modelId) === unit);
          const title =
            unit === null
              ? "Units of models that are in the list no more"
              : unit === "tokens"
                ? "Tokens"
                : "Generations";
          return of.length > 0 && <UsageChart key={title} title={title} days={of} models={models} figure="units" />;
        })}
      </div>
    </>
  );
}

function Sums({ days, unitOf }: Pick<ShownProps, "days" | "unitOf">) {
  const of = (modelId: string) => days.filter((each) => each.modelId === modelId);
  return (
    <Table
      caption="Sums of these days"
      seen
      rows={modelsOf(days)}
      rowKey={(modelId) => modelId}
      columns={[
        { head: "Model", cell: (modelId) => modelId },
        { head: "Calls", numeric: true, cell: (modelId) => whole(total(of(modelId), "calls")) },
        {
          head: "Units",
          numeric: true,
          cell: (modelId) => `${whole(total(of(modelId), "units"))} ${unitOf(modelId) ?? "units"}`,
        },
      ]}
      foot={["All", whole(total(days, "calls")), ""]}
    />
  );
}

const AT_FIRST = 31;

function Days({ days, unitOf }: Pick<ShownProps, "days" | "unitOf">) {
  const [all, setAll] = useState(false);
  const newest = [...days].reverse();
  const columns: readonly Column<UsageDay>[] = [
    {
      head: "Day",
      cell: ({ date, closed }) => (
        <>
          {day(date)} {!closed && <Badge tone="calm">still going on</Badge>}
        </>
      ),
    },
    { head: "Model", cell: ({ modelId }) => modelId },
    { head: "Calls", numeric: true, cell: ({ calls }) => whole(calls) },
    {
      head: "Units",
      numeric: true,
      cell: ({ modelId, units }) => `${whole(units)} ${unitOf(modelId) ?? "units"}`,
    },
  ];
  return (
    <>
      <Table
        caption="Day by day, newest first"
        seen
        rows={all ? newest : newest.slice(0, AT_FIRST)}
        rowKey={({ date, modelId }) => `${date} ${modelId}`}
        columns={columns}
      />
      {!all && newest.length > AT_FIRST && (
        <p>
          <Button onClick={() => setAll(true)}>Show all {counted(newest.length, "line")}</Button>
        </p>
      )}
    </>
  );
}

/** The chosen models of a range. */
export function UsageShown({ days, models, hidden, onHidden, unitOf }: ShownProps) {
  return (
    <>
      <Models models={models} hidden={hidden} onHidden={onHidden} />
      {days.length === 0 ? (
        <div class="empty">Choose a model to see its usage.</div>
      ) : (
        <>
          <Charts days={days} models={models} unitOf={unitOf} />
          <Sums days={days} unitOf={unitOf} />
          <Days days={days} unitOf={unitOf} />
        </>
      )}
    </>
  );
}
