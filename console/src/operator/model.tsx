// One model of the catalogue: created, changed, brought back, withdrawn.
// Rule: a change goes to the version that it was begun from alone; where there is another by now, both are shown first.

import { useState } from "preact/hooks";
import { answer, operatorApi, pathId, read } from "../api/client";
import { asRefusal } from "../api/refusal";
import type { PutModel, ReadModel } from "../api/types";
import { go } from "../router";
import type { Params } from "../routes";
import { useDraft } from "../session/draft";
import { useSession } from "../session/session";
import { AsOf, Async, useAnswer } from "../ui/answers";
import { Page, announce } from "../ui/page";
import { Button, ButtonLink, Notice } from "../ui/parts";
import { Table } from "../ui/table";
import { bodyOf, draftOf, figures, isReadable, isTouched } from "./model-draft";
import type { ModelDraft } from "./model-draft";
import { ModelFields, PricePreview } from "./model-fields";
import { SaveModel, WithdrawModel } from "./model-sends";

interface Found {
  /** Null where there never was such a model. */
  readonly model: ReadModel | null;
  readonly etag: string | null;
  /** What a new model is sold in. */
  readonly currency: string;
}

async function find(id: string): Promise<Found> {
  try {
    const path = { modelId: pathId(id) };
    const { data, etag } = await answer(operatorApi().GET("/v1/models/{modelId}", { params: { path } }));
    if (isReadable(data)) return { model: data, etag, currency: "" };
    return { model: data, etag, currency: await currency() };
  } catch (error) {
    if (asRefusal(error).code !== "not_found") throw error;
    return { model: null, etag: null, currency: await currency() };
  }
}

/** The catalogue's currency; US dollars while it has no model. */
async function currency(): Promise<string> {
  const { models } = await read(operatorApi().GET("/v1/models", { params: { query: { limit: 1 } } }));
  return models[0]?.tiers[0]?.price.currency ?? "USD";
}

interface ClashProps {
  readonly mine: ModelDraft;
  readonly now: ModelDraft;
  readonly onKeep: () => void;
  readonly onDrop: () => void;
}

/** Both versions, where somebody else has changed the model since the draft was begun. */
function Clash({ mine, now, onKeep, onDrop }: ClashProps) {
  const theirs = new Map(figures(now));
  return (
    <Notice tone="warn" title="Somebody else has changed this model since you began. Nothing of yours was saved.">
      <Table
        caption="Both versions"
        rows={figures(mine)}
        rowKey={([name]) => name}
        columns={[
          { head: "What", cell: ([name]) => name },
          { head: "As it is now", cell: ([name]) => theirs.get(name) },
          { head: "As you entered it", cell: ([name, value]) => (name === "State" ? "–" : value) },
          { head: "Differs", cell: ([name, value]) => (name !== "State" && theirs.get(name) !== value ? "yes" : "no") },
        ]}
      />
      <div class="actions">
        <Button onClick={onDrop}>Take it as it is now</Button>
        <Button onClick={onKeep}>Go on with mine</Button>
      </div>
    </Notice>
  );
}

interface EditorProps {
  readonly id: string;
  readonly found: Found;
  readonly reload: () => void;
}

function State({ model }: { model: ReadModel | null }) {
  if (model === null)
    return <Notice title="There is no such model yet.">Saving creates it, and sells it at once.</Notice>;
  if (!isReadable(model))
    return (
      <Notice tone="warn" title="The service cannot read this model, and does not sell it.">
        Saving replaces it whole.
      </Notice>
    );
  if (!("withdrawn" in model)) return null;
  return <Notice title="This model was withdrawn.">It is shown as it was last offered. Saving sells it again.</Notice>;
}

type Asking = { readonly save: PutModel } | "withdraw";

interface ActionsProps {
  readonly found: Found;
  /** What would be saved; null while that cannot be. */
  readonly save: PutModel | null;
  readonly clash: boolean;
  readonly onAsk: (asking: Asking) => void;
  readonly onUndo: () => void;
}

function Actions({ found: { model }, save, clash, onAsk, onUndo }: ActionsProps) {
  const sold = isReadable(model) && !("withdrawn" in model);
  return (
    <div class="actions">
      <Button look="primary" disabled={save === null || clash} onClick={() => save !== null && onAsk({ save })}>
        {model === null ? "Create …" : sold ? "Save …" : "Sell it again …"}
      </Button>
      {sold && (
        <Button onClick={() => onAsk("withdraw")} disabled={clash}>
          Withdraw …
        </Button>
      )}
      <Button onClick={onUndo}>Undo what I entered</Button>
      <ButtonLink href="#/operator/catalogue">Back to the catalogue</ButtonLink>
    </div>
  );
}

function Editor({ id, found, reload }: EditorProps) {
  const account = useSession("operator")?.account ?? "";
  const now = draftOf(found.model, found.etag, found.currency);
  const [kept, setDraft, done] = useDraft<ModelDraft>(account, `model.${id}`, now);
  const [asking, setAsking] = useState<Asking | null>(null);
  const draft = isTouched(kept, found.currency) ? kept : now;
  const body = bodyOf(draft);
  const clash = draft.etag !== found.etag;
  const keep = () => setDraft({ ...draft, etag: found.etag, from: found.model });
  const undo = () => setDraft(now);
  const end = (said: string | null) => {
    setAsking(null);
    if (said === null) {
      reload();
      return;
    }
    done();
    announce(said);
    go("/operator/catalogue");
  };
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      {clash ? <Clash mine={draft} now={now} onDrop={undo} onKeep={keep} /> : <State model={found.model} />}
      <ModelFields draft={draft} onDraft={setDraft} />
      <PricePreview now={found.model} body={body} />
      <Actions found={found} save={body} clash={clash} onAsk={setAsking} onUndo={undo} />
      {asking === "withdraw" && <WithdrawModel id={id} etag={found.etag} onEnd={end} />}
      {asking !== null && asking !== "withdraw" && (
        <SaveModel id={id} etag={draft.etag} now={found.model} body={asking.save} onEnd={end} />
      )}
    </form>
  );
}

export default function ModelPage({ params: { id = "" } }: { params: Params }) {
  const found = useAnswer(() => find(id), [id]);
  return (
    <Page title={id} beside={<AsOf of={found} />}>
      <Async of={found}>{(data) => <Editor key={id} id={id} found={data} reload={found.reload} />}</Async>
    </Page>
  );
}
