// One model of a subscription: its tier, and what is left of its day and its month.
// Rule: `limit + top-up + overrun = used + held + left`, in the figures of one answer.

import type { ModelUsage } from "../api/types";
import { counted } from "../format/numbers";
import { Bar } from "../ui/bar";
import { Badge, Instant } from "../ui/parts";

interface ModelProps {
  readonly model: ModelUsage;
  readonly zone: string;
  /** How many of its requests are under way, where that is known. */
  readonly open?: number;
}

export function ModelCard({ model, zone, open }: ModelProps) {
  const { modelId, channelTier, unit, daily, monthly } = model;
  return (
    <section class="card" aria-label={modelId}>
      <h3>
        {modelId} <Badge tone="calm">{channelTier}</Badge>
      </h3>
      <Bar label="Today" unit="calls" limit={daily.limit} used={daily.used} left={daily.remaining} />
      <p class="aside">
        The day ends <Instant at={daily.resetsAt} zone={zone} />
      </p>
      <Bar
        label="This month"
        unit={unit}
        limit={monthly.limit}
        used={monthly.used}
        held={monthly.held}
        left={monthly.remaining}
        topUp={monthly.topUp}
        overrun={monthly.overrun}
      />
      <p class="aside">
        The month ends <Instant at={monthly.resetsAt} zone={zone} />
      </p>
      {open !== undefined && <p class="aside">{counted(open, "request")} under way</p>}
    </section>
  );
}
