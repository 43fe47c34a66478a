// What a subscription holds at this moment, model by model, and how to release it.
// Rule: holds are released one by one; where one is refused, those before it are released, and the page shows what is left.

import { useState } from "preact/hooks";
import { operatorApi, read } from "../api/client";
import type { HeldByModel, Hold } from "../api/types";
import { counted, whole } from "../format/numbers";
import type { Params } from "../routes";
import { SubscriptionSide } from "../subscription/side";
import { AsOf, Async, useAnswer } from "../ui/answers";
import { ReasonDialog } from "../ui/dialog";
import { announce } from "../ui/page";
import { Button, Instant } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";

interface Chosen {
  readonly model: HeldByModel;
  readonly holds: readonly Hold[];
}

async function release(subscriptionId: string, holds: readonly Hold[], reason: string): Promise<void> {
  for (const { authorizationId } of holds) {
    const params = { path: { subscriptionId, authorizationId } };
    await read(operatorApi(reason).DELETE("/v1/subscriptions/{subscriptionId}/holds/{authorizationId}", { params }));
  }
}

interface ReleaseProps extends Chosen {
  readonly subscriptionId: string;
  /** The dialog is over, done or not: some holds may be released in either case. */
  readonly onOver: () => void;
}

function Release({ subscriptionId, model, holds, onOver }: ReleaseProps) {
  const units = whole(holds.reduce((sum, hold) => sum + hold.heldUsage, 0));
  const what = counted(holds.length, "hold");
  return (
    <ReasonDialog
      title={`Release ${what} of ${model.modelId}?`}
      action={`Release ${what}`}
      work={(reason) => release(subscriptionId, holds, reason)}
      onDone={() => {
        announce(`${what} released`);
        onOver();
      }}
      onClose={onOver}
    >
      <p>
        {units} {model.unit} come back to the month at once. The calls stay counted. Where the router reports all the
        same, it is booked in full, once, and may overrun the month.
      </p>
    </ReasonDialog>
  );
}

interface ModelProps {
  readonly model: HeldByModel;
  readonly zone: string;
  readonly onRelease: (holds: readonly Hold[]) => void;
}

function ModelHolds({ model, zone, onRelease }: ModelProps) {
  const columns: readonly Column<Hold>[] = [
    { head: "Granted", cell: ({ authorizedAt }) => <Instant at={authorizedAt} zone={zone} /> },
    { head: "Expires", cell: ({ holdExpiresAt }) => <Instant at={holdExpiresAt} zone={zone} /> },
    { head: `Holds, ${model.unit}`, numeric: true, cell: ({ heldUsage }) => whole(heldUsage) },
    { head: "Calls", numeric: true, cell: ({ heldCalls }) => whole(heldCalls) },
    {
      head: "Release",
      cell: (hold) => (
        <Button onClick={() => onRelease([hold])} label={`Release the hold of ${whole(hold.heldUsage)} ${model.unit}`}>
          Release
        </Button>
      ),
    },
  ];
  return (
    <section aria-label={model.modelId}>
      <h2>{model.modelId}</h2>
      <p>
        {counted(model.openHolds, "open hold")} · {whole(model.heldUsage)} {model.unit} held
      </p>
      <Table
        caption={`Open holds of ${model.modelId}`}
        columns={columns}
        rows={model.holds}
        rowKey={({ authorizationId }) => authorizationId}
      />
      {model.holds.length > 1 && (
        <div class="actions">
          <Button onClick={() => onRelease(model.holds)}>Release all of {model.modelId}</Button>
        </div>
      )}
    </section>
  );
}

function HoldList({ id, zone }: { id: string; zone: string }) {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const params = { path: { subscriptionId: id } };
  const held = useAnswer(async () => {
    const { models } = await read(operatorApi().GET("/v1/subscriptions/{subscriptionId}/holds", { params }));
    return models.filter(({ holds }) => holds.length > 0);
  }, [id]);
  const over = () => {
    setChosen(null);
    held.reload();
  };
  return (
    <>
      <AsOf of={held} />
      <Async of={held} empty={{ when: (models) => models.length === 0, say: "Nothing is held at the moment." }}>
        {(models) =>
          models.map((model) => (
            <ModelHolds
              key={model.modelId}
              model={model}
              zone={zone}
              onRelease={(holds) => setChosen({ model, holds })}
            />
          ))
        }
      </Async>
      {chosen !== null && <Release subscriptionId={id} {...chosen} onOver={over} />}
    </>
  );
}

export default function Holds({ params: { id = "" } }: { params: Params }) {
  return (
    <SubscriptionSide kind="operator" id={id} title="Open holds">
      {({ timezone }) => <HoldList id={id} zone={timezone} />}
    </SubscriptionSide>
  );
}
