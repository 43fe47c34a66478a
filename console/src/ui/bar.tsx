// A limit as a bar: used, held, left, and what lies beyond it, told in figures as well.
// Rule: the figures are those of one answer and add up: used + held + left = limit + top-up (+ overrun, where there is one).

import { percent, whole } from "../format/numbers";

interface BarProps {
  /** What the bar is about: "Calls today". */
  readonly label: string;
  readonly unit: string;
  readonly limit: number;
  readonly used: number;
  readonly held?: number | undefined;
  readonly left: number;
  readonly topUp?: number | undefined;
  readonly overrun?: number | undefined;
}

/** One window of a limit. */
export function Bar({ label, unit, limit, used, held = 0, left, topUp = 0, overrun = 0 }: BarProps) {
  const all = limit + topUp;
  const of = Math.max(all, used + held, 1);
  const width = (part: number) => `${(part / of) * 100}%`;
  const parts = [
    `${whole(used)} used`,
    ...(held > 0 ? [`${whole(held)} held by open requests`] : []),
    `${whole(left)} left`,
    ...(overrun > 0 ? [`${whole(overrun)} over the limit`] : []),
  ];
  const total = topUp > 0 ? `${whole(limit)} + ${whole(topUp)} top-up` : whole(limit);
  const told = `${parts.join(", ")} of ${total} ${unit}`;
  return (
    <div class={left === 0 ? "bar full" : "bar"}>
      <div class="bar-head">
        <span>{label}</span>
        <span class="figure">
          {whole(left)} left{" "}
          <span class="aside">
            of {whole(all)} {unit}
          </span>
        </span>
      </div>
      <svg role="img" aria-label={`${label}: ${told}`} width="100%" height="12" preserveAspectRatio="none">
        <rect class="bar-all" width="100%" height="12" rx="6" />
        <rect class="bar-held" width={width(used + held)} height="12" rx="6" />
        <rect class="bar-used" width={width(used)} height="12" rx="6" />
      </svg>
      <div class="bar-foot aside">
        {parts.join(" · ")} of {total} ({percent(used, all)} used)
      </div>
    </div>
  );
}
