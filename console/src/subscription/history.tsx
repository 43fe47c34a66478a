// The usage history of a subscription: by day and model, as charts, as a table, and as a file.
// Rule: all of it is one answer, every page of it followed; what is chosen is only what is shown of that.

import { useRef, useState } from "preact/hooks";
import { apiOf, read } from "../api/client";
import type { Subscription, UsageDay } from "../api/types";
import type { Kind } from "../config";
import { download } from "../format/csv";
import { AsOf, Async, useAnswer } from "../ui/answers";
import { Button } from "../ui/parts";
import { HistoryRange } from "./history-range";
import { UsageShown } from "./history-shown";
import { csvOf, datesOf, modelsOf } from "./usage-days";
import type { Range, UnitOf } from "./usage-days";

const MOST_ENTRIES = 1000;

/** Every day of the range, page by page; without a range the last 31 days that there are. */
async function history(kind: Kind, subscriptionId: string, range: Range | null): Promise<UsageDay[]> {
  const days: UsageDay[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; from?: string; to?: string; cursor?: string } = {
      limit: MOST_ENTRIES,
      ...range,
      ...(cursor === null ? {} : { cursor }),
    };
    const params = { path: { subscriptionId }, query };
    const page: { days: UsageDay[]; next: string | null } = await read(
      apiOf(kind).GET("/v1/subscriptions/{subscriptionId}/history", { params }),
    );
    days.push(...page.days);
    cursor = page.next;
  } while (cursor !== null);
  return days;
}

/** The unit of each model that the subscription has or is to have. A model of a list of before has none that is known. */
function units({ models, pendingChange }: Subscription): UnitOf {
  const known = new Map([...models, ...(pendingChange?.models ?? [])].map(({ modelId, unit }) => [modelId, unit]));
  return (modelId) => known.get(modelId) ?? null;
}

export function UsageHistory({ kind, subscription }: { kind: Kind; subscription: Subscription }) {
  const { subscriptionId, timezone } = subscription;
  const [range, setRange] = useState<Range | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const asked = useAnswer(() => history(kind, subscriptionId, range), [kind, subscriptionId, range]);
  // The last day that there is, as the service says: of the question without a range.
  const last = useRef<string | null>(null);
  if (range === null && asked.data !== null) last.current = datesOf(asked.data).at(-1) ?? null;
  const unitOf = units(subscription);
  const shown = (days: readonly UsageDay[]) => days.filter(({ modelId }) => !hidden.has(modelId));
  const save = (days: readonly UsageDay[]) => {
    const dates = datesOf(days);
    download(`usage-${subscriptionId}-${dates[0] ?? ""}-${dates.at(-1) ?? ""}.csv`, csvOf(shown(days), unitOf));
  };
  const none = "There is no day of this subscription in this range.";
  return (
    <>
      <AsOf of={asked} />
      <HistoryRange last={last.current} range={range} zone={timezone} refusal={asked.refusal} onRange={setRange} />
      <Async of={asked} empty={{ when: (days) => days.length === 0, say: none }}>
        {(days) => (
          <>
            <UsageShown
              days={shown(days)}
              models={modelsOf(days)}
              hidden={hidden}
              onHidden={setHidden}
              unitOf={unitOf}
            />
            <Button disabled={shown(days).length === 0} onClick={() => save(days)}>
              Download as CSV
            </Button>
          </>
        )}
      </Async>
    </>
  );
}
