// One figure by day and model as bars that stand on one another, with its legend, and what it says in words.
// Rule: what draws is loaded only when a chart is shown; colour is never the only sign, for the day that is pointed at is
// told in figures, and the table below holds all of them.

import type { ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { UsageDay } from "../api/types";
import { whole } from "../format/numbers";
import { day } from "../format/times";
import type { BarsProps } from "./bars";
import { datesOf, matrix, modelsOf, total } from "./usage-days";

const COLOURS = 8;

/** The class that has the colour of a model: the same in every chart of a page. */
function colourOf(modelId: string, models: readonly string[]): string {
  return `series-${(models.indexOf(modelId) % COLOURS) + 1}`;
}

interface ChartProps {
  readonly title: string;
  readonly days: readonly UsageDay[];
  /** Every model of the page, for their colours. */
  readonly models: readonly string[];
  readonly figure: "calls" | "units";
}

/** What the chart says, for whoever does not see it. */
function told(title: string, days: readonly UsageDay[], figure: "calls" | "units"): string {
  const dates = datesOf(days);
  const [first, last] = [dates[0], dates.at(-1)];
  if (first === undefined || last === undefined) return title;
  const of = (date: string) =>
    total(
      days.filter((each) => each.date === date),
      figure,
    );
  const most = dates.reduce((best, date) => (of(date) > of(best) ? date : best), first);
  const range = `${title} by day and model from ${day(first)} to ${day(last)}`;
  return `${range}: ${whole(total(days, figure))} in all, most on ${day(most)}: ${whole(of(most))}. The tables below have every figure.`;
}

/** What draws, once it is there; null before, and where it could not be had. */
function useBars(): ComponentType<BarsProps> | null {
  const [bars, setBars] = useState<ComponentType<BarsProps> | null>(null);
  useEffect(() => {
    let here = true;
    import("./bars").then(
      (module) => here && setBars(() => module.default),
      () => undefined,
    );
    return () => {
      here = false;
    };
  }, []);
  return bars;
}

export function UsageChart({ title, days, models, figure }: ChartProps) {
  const Drawn = useBars();
  const [pointed, setPointed] = useState<number | null>(null);
  const [dates, names, rows] = useMemo(() => {
    const [all, shown] = [datesOf(days), modelsOf(days)];
    return [all, shown, matrix(days, all, shown, figure)];
  }, [days, figure]);
  const colours = useMemo(() => names.map((name) => colourOf(name, models)), [names, models]);
  const date = pointed === null ? undefined : dates[pointed];
  return (
    <section class="card" aria-label={title}>
      <h3>{title}</h3>
      <div class="chart" role="img" aria-label={told(title, days, figure)}>
        {Drawn !== null && <Drawn dates={dates} rows={rows} colours={colours} onPointed={setPointed} />}
      </div>
      <p class="aside">{date === undefined ? "Point at a day to see its figures." : day(date)}</p>
      <ul class="legend">
        {names.map((name, index) => (
          <li key={name}>
            <svg class={colours[index]} width="12" height="12" aria-hidden="true">
              <rect width="12" height="12" rx="3" />
            </svg>
            {name}
            {pointed !== null && <span class="figure"> {whole(rows[index]?.[pointed] ?? 0)}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
