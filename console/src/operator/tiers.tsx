// Every tier of every model as a switch: down it goes when what serves it fails, and up again.
// Rule: a switch shows what the service answered last, never what was clicked, and each change has a reason.

import { useState } from "preact/hooks";
import { operatorApi, pathId, read } from "../api/client";
import type { ListedModel, Tier } from "../api/types";
import { counted } from "../format/numbers";
import { isWithdrawn, useEveryModel } from "../sale/catalogue";
import { AsOf, Async } from "../ui/answers";
import { ReasonDialog } from "../ui/dialog";
import { Page, announce } from "../ui/page";
import { Badge, ButtonLink } from "../ui/parts";
import { Table } from "../ui/table";
import { TIERS } from "./model-draft";

/** A tier, and whether it is to be up. */
interface Turn {
  readonly modelId: string;
  readonly tier: Tier;
  readonly up: boolean;
}

async function turn({ modelId, tier, up }: Turn, reason: string): Promise<void> {
  await read(
    operatorApi(reason).PUT("/v1/models/{modelId}/tiers/{tier}/availability", {
      params: { path: { modelId: pathId(modelId), tier } },
      body: { available: up, reason },
    }),
  );
}

function Ask({ turn: asked, onEnd }: { turn: Turn; onEnd: (done: boolean) => void }) {
  const name = `${asked.tier} of ${asked.modelId}`;
  return (
    <ReasonDialog
      title={asked.up ? `Bring ${name} back?` : `Take ${name} down?`}
      action={asked.up ? "Bring it back" : "Take it down"}
      danger={!asked.up}
      work={(reason) => turn(asked, reason)}
      onDone={() => {
        announce(`${name} is ${asked.up ? "up" : "down"}.`);
        onEnd(true);
      }}
      onClose={() => onEnd(false)}
    >
      <p>
        {asked.up
          ? "Within 5 seconds, requests in this tier are granted again."
          : "Within 5 seconds, every request in this tier is refused and costs nothing. None is moved to another tier; requests that are open are still settled."}
      </p>
      <p>The reason also stands in the event that tells of it.</p>
    </ReasonDialog>
  );
}

function Switch({ model, tier, onTurn }: { model: ListedModel; tier: Tier; onTurn: (turn: Turn) => void }) {
  const offered = model.tiers.find(({ channelTier }) => channelTier === tier);
  if (offered === undefined) return <span class="aside">not offered</span>;
  const { available } = offered;
  return (
    <button
      type="button"
      role="switch"
      class="button switch"
      aria-checked={available}
      aria-label={`${tier} of ${model.modelId}: ${available ? "up" : "down"}`}
      onClick={() => onTurn({ modelId: model.modelId, tier, up: !available })}
    >
      {available ? "up" : "down"}
    </button>
  );
}

function Switches({ models, onTurn }: { models: readonly ListedModel[]; onTurn: (turn: Turn) => void }) {
  const down = models.flatMap(({ tiers }) => tiers).filter(({ available }) => !available).length;
  return (
    <>
      <p>{down === 0 ? "All tiers are up." : `${counted(down, "tier is", "tiers are")} down.`}</p>
      <Table
        caption="Models and their tiers"
        rows={models}
        rowKey={({ modelId }) => modelId}
        columns={[
          {
            head: "Model",
            cell: (model) => (
              <>
                {model.modelId} {isWithdrawn(model) && <Badge tone="calm">withdrawn</Badge>}
              </>
            ),
          },
          ...TIERS.map((tier) => ({
            head: tier,
            cell: (model: ListedModel) => <Switch model={model} tier={tier} onTurn={onTurn} />,
          })),
        ]}
      />
    </>
  );
}

export default function Tiers() {
  const models = useEveryModel();
  const [asked, setAsked] = useState<Turn | null>(null);
  const end = (done: boolean) => {
    setAsked(null);
    if (done) models.reload();
  };
  const nothing = (
    <>
      <p>The catalogue has no model yet.</p>
      <ButtonLink href="#/operator/catalogue">Go to the catalogue</ButtonLink>
    </>
  );
  return (
    <Page title="Tiers" beside={<AsOf of={models} />}>
      <Async of={models} empty={{ when: (list) => list.length === 0, say: nothing }}>
        {(list) => <Switches models={list} onTurn={setAsked} />}
      </Async>
      {asked !== null && <Ask turn={asked} onEnd={end} />}
    </Page>
  );
}
