// What draws a chart of days: uPlot, with bars that stand on one another, in the colours of the page.
// Rule: loaded by usage-chart.tsx alone, when there is a chart to draw; it knows numbers and colours, and nothing else.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { stacked } from "./usage-days";

export interface BarsProps {
  readonly dates: readonly string[];
  /** A row for each series, a number for each date. */
  readonly rows: readonly (readonly number[])[];
  /** The class that has the colour of each series. */
  readonly colours: readonly string[];
  /** Told which date is pointed at; null for none. */
  readonly onPointed: (index: number | null) => void;
}

const HEIGHT = 220;
const DAYS_BETWEEN = [1, 2, 7, 14, 31, 62, 124];

/** The colour that `name` has on this page now, as a canvas takes it. */
function resolved(host: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.className = name;
  host.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function axes(dates: readonly string[], host: HTMLElement): uPlot.Axis[] {
  const compact = new Intl.NumberFormat(undefined, { notation: "compact" });
  const written = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
  const short = (date: string | undefined) => (date === undefined ? "" : written.format(new Date(date)));
  const shared = {
    stroke: () => resolved(host, "aside"),
    grid: { stroke: () => resolved(host, "rule"), width: 1 },
    ticks: { show: false },
  };
  return [
    {
      ...shared,
      grid: { show: false },
      incrs: DAYS_BETWEEN,
      space: 70,
      values: (_plot, splits) => splits.map((index) => short(dates[index])),
    },
    { ...shared, size: 60, values: (_plot, splits) => splits.map((value) => compact.format(value)) },
  ];
}

function options({ dates, colours, onPointed }: BarsProps, host: HTMLElement): uPlot.Options {
  const bars = uPlot.paths.bars?.({ size: [0.7, 40] });
  // The highest stack is drawn first, so that each below covers its own part of it.
  const series = [...colours].reverse().map((name): uPlot.Series => ({
    ...(bars === undefined ? {} : { paths: bars }),
    fill: () => resolved(host, name),
    stroke: () => resolved(host, name),
    width: 0,
    points: { show: false },
  }));
  return {
    width: Math.max(host.clientWidth, 1),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: () => [-0.5, dates.length - 0.5] },
      y: { range: (_plot, _low, high) => [0, Math.max(high * 1.05, 1)] },
    },
    axes: axes(dates, host),
    series: [{}, ...series],
    hooks: { setCursor: [(plot) => onPointed(plot.cursor.idx ?? null)] },
  };
}

/** Draws anew when the page is wider or narrower, and when it turns dark or light. */
function follow(plot: uPlot, host: HTMLElement): () => void {
  const sized = new ResizeObserver(() => plot.setSize({ width: Math.max(host.clientWidth, 1), height: HEIGHT }));
  sized.observe(host);
  const redraw = () => plot.redraw(false, true);
  const themed = new MutationObserver(redraw);
  themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", redraw);
  return () => {
    sized.disconnect();
    themed.disconnect();
    system.removeEventListener("change", redraw);
  };
}

export default function Bars({ dates, rows, colours, onPointed }: BarsProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const host = place.current;
    if (host === null) return;
    const data: uPlot.AlignedData = [dates.map((_date, index) => index), ...stacked(rows).reverse()];
    const plot = new uPlot(options({ dates, rows, colours, onPointed }, host), data, host);
    const end = follow(plot, host);
    return () => {
      end();
      plot.destroy();
      onPointed(null);
    };
  }, [dates, rows, colours, onPointed]);
  return <div ref={place} />;
}
