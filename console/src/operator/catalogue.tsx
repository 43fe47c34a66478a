// The catalogue as operators keep it: every model that was ever offered, and the way to its editor.
// Rule: what was withdrawn is shown as such, for it can be brought back.

import { useState } from "preact/hooks";
import type { ListedModel } from "../api/types";
import { whole } from "../format/numbers";
import { go } from "../router";
import { isWithdrawn, priceWords, useEveryModel } from "../sale/catalogue";
import { AsOf, Async } from "../ui/answers";
import { TextField } from "../ui/inputs";
import { Page } from "../ui/page";
import { Badge, Button } from "../ui/parts";
import { Table } from "../ui/table";
import type { Column } from "../ui/table";

function editorOf(modelId: string): string {
  return `/operator/catalogue/${encodeURIComponent(modelId)}`;
}

function Offers({ model: { tiers, unit } }: { model: ListedModel }) {
  return (
    <ul class="offers">
      {tiers.map(({ channelTier, available, price }) => (
        <li key={channelTier}>
          {channelTier}: {priceWords({ price, unit })} {!available && <Badge tone="bad">down</Badge>}
        </li>
      ))}
    </ul>
  );
}

const range = ({ min, max }: { min: number; max: number }) => `${whole(min)} to ${whole(max)}`;

const COLUMNS: readonly Column<ListedModel>[] = [
  { head: "Model", cell: ({ modelId }) => <a href={`#${editorOf(modelId)}`}>{modelId}</a> },
  {
    head: "State",
    cell: (model) => (isWithdrawn(model) ? <Badge tone="calm">withdrawn</Badge> : <Badge tone="good">sold</Badge>),
  },
  { head: "Kind", cell: ({ kind, unit }) => `${kind}, in ${unit}` },
  { head: "Tiers and prices of a month", cell: (model) => <Offers model={model} /> },
  { head: "Daily calls", cell: ({ limits }) => range(limits.dailyCallLimit) },
  { head: "Monthly units", cell: ({ limits }) => range(limits.monthlyTokenCap) },
];

/** The way to a model by its id: to a new one, or to one that the service cannot read and so does not list. */
function ById() {
  const [typed, setTyped] = useState("");
  const id = typed.trim();
  const right = /^[A-Za-z0-9._:/@-]{1,128}$/.test(id);
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (right) go(editorOf(id));
      }}
    >
      <h2>A new model</h2>
      <TextField
        label="Model id"
        hint="As requests name it; 1 to 128 of A-Z a-z 0-9 . _ : / @ -. One that is there is opened."
        error={id === "" || right ? null : "Only A-Z a-z 0-9 . _ : / @ -, at most 128."}
        value={typed}
        onValue={setTyped}
      />
      <Button type="submit" disabled={!right}>
        Go on
      </Button>
    </form>
  );
}

export default function Catalogue() {
  const models = useEveryModel();
  return (
    <Page title="Catalogue" beside={<AsOf of={models} />}>
      <Async of={models} empty={{ when: (list) => list.length === 0, say: "The catalogue has no model yet." }}>
        {(list) => <Table caption="Models" columns={COLUMNS} rows={list} rowKey={({ modelId }) => modelId} />}
      </Async>
      <ById />
    </Page>
  );
}
