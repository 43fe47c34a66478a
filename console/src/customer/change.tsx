// Changing what a running term has: the whole list as it is wanted, with before and after.
// Rule: each line says when it binds, and what is charged now is the service's own figure.

import { answer, customerApi } from "../api/client";
import { useSale } from "../api/idempotent";
import type { ChangeRequest, Model, PurchaseModel, SaleQuote, Sold, Subscription } from "../api/types";
import { whole } from "../format/numbers";
import type { Params } from "../routes";
import { useCatalogue } from "../sale/catalogue";
import { Checkout, Outcome } from "../sale/checkout";
import { LineEditor } from "../sale/line-editor";
import { binds, lineOf, modelsOf, wrongLine } from "../sale/lines";
import type { Binds, Line } from "../sale/lines";
import { quoteSale, useQuote } from "../sale/quote";
import { useDraft } from "../session/draft";
import { useSession } from "../session/session";
import { Async } from "../ui/answers";
import { Button, Instant, Notice } from "../ui/parts";
import { Table } from "../ui/table";
import { OfSubscription } from "./of-subscription";

type Body = Omit<ChangeRequest, "expectedTotal">;

interface Row {
  readonly modelId: string;
  readonly old: PurchaseModel | undefined;
  readonly wanted: PurchaseModel | undefined;
  readonly binds: Binds;
}

function rowsOf({ models, price }: Subscription, wanted: readonly PurchaseModel[], catalogue: readonly Model[]): Row[] {
  const ids = [...new Set([...models, ...wanted].map(({ modelId }) => modelId))];
  return ids.map((modelId) => {
    const is = (line: { modelId: string }) => line.modelId === modelId;
    const old = models.find(is);
    const next = wanted.find(is);
    return { modelId, old, wanted: next, binds: binds(old, next, catalogue.find(is), price?.lines.find(is)?.monthly) };
  });
}

function told(line: PurchaseModel | undefined): string {
  return line === undefined
    ? "–"
    : `${line.channelTier} · ${whole(line.dailyCallLimit)} calls a day · ${whole(line.monthlyTokenCap)} a month`;
}

function BeforeAndAfter({ rows, quote, zone }: { rows: readonly Row[]; quote: SaleQuote | null; zone: string }) {
  const waits = rows.some((row) => row.binds === "next month" || row.binds === "ends next month");
  return (
    <>
      <Table
        caption="Before and after"
        seen
        rows={rows}
        rowKey={({ modelId }) => modelId}
        columns={[
          { head: "Model", cell: ({ modelId }) => modelId },
          { head: "Before", cell: ({ old }) => told(old) },
          { head: "After", cell: ({ wanted }) => told(wanted) },
          { head: "Binds", cell: (row) => row.binds },
        ]}
      />
      {waits && quote !== null && (
        <p>
          What falls binds with the next month, <Instant at={quote.bindsAt} zone={zone} />; until then everything stays
          as it is. Nothing is paid back.
        </p>
      )}
    </>
  );
}

interface FormProps {
  readonly account: string;
  readonly subscription: Subscription;
  readonly catalogue: readonly Model[];
  readonly reload: () => void;
}

/** What is entered, what it costs, and the way to order it. */
function useChange({ account, subscription, catalogue }: FormProps) {
  const { subscriptionId: id, models: inForce, pendingChange } = subscription;
  const began = (pendingChange?.models ?? inForce).map(lineOf);
  const [lines, setLines, done] = useDraft<Line[]>(account, `${id}.change`, began);
  const models = modelsOf(lines);
  const same = JSON.stringify(models) === JSON.stringify(modelsOf(began));
  const wrong = lines.some((line) => wrongLine(line, catalogue, inForce));
  const body: Body | null = models === null || models.length === 0 || wrong || same ? null : { models };
  const quoted = useQuote(body, (change) => quoteSale(id, { change }));
  const sale = useSale<Body & { expectedTotal: string }, Sold>(account, `${id}.change`, async (sent, key) => {
    const params = { path: { subscriptionId: id }, header: { "Idempotency-Key": key } };
    const bought = await answer(
      customerApi().POST("/v1/subscriptions/{subscriptionId}/change", { body: sent, params }),
    );
    done();
    return bought;
  });
  const beginAgain = () => {
    setLines(began);
    done();
  };
  return { lines, setLines, same, body, quoted, sale, beginAgain };
}

function Lines({ order, catalogue, subscription }: FormProps & { order: ReturnType<typeof useChange> }) {
  const { lines, setLines, same, quoted, sale, beginAgain } = order;
  return (
    <>
      {subscription.pendingChange !== null && (
        <Notice title="A change waits already.">
          The list below is the one to come. What you order now takes its place.
        </Notice>
      )}
      <h2>Models</h2>
      <LineEditor
        catalogue={catalogue}
        lines={lines}
        inForce={subscription.models}
        refusal={sale.refusal ?? quoted.refusal}
        onChange={setLines}
      />
      {!same && (
        <p>
          <Button onClick={beginAgain}>Begin again</Button>
        </p>
      )}
      {lines.length === 0 && (
        <p class="error">A subscription has at least one model. To end it, cancel it in its settings.</p>
      )}
    </>
  );
}

function Form(props: FormProps) {
  const { subscription, catalogue, reload } = props;
  const order = useChange(props);
  const { body, quoted, sale } = order;
  const again = () => {
    sale.forget();
    reload();
  };
  if (sale.sold !== null) return <Outcome answer={sale.sold} done="The subscription was changed." onEnded={again} />;
  const rows = body === null ? [] : rowsOf(subscription, body.models, catalogue);
  const after = body !== null && <BeforeAndAfter rows={rows} quote={quoted.quote} zone={subscription.timezone} />;
  const missing = "Change something above to see what it costs.";
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <Lines {...props} order={order} />
      {after}
      <Checkout action="Change" body={body} quoted={quoted} sale={sale} charged="Now" missing={missing}>
        {after}
      </Checkout>
    </form>
  );
}

export default function Change({ params: { id = "" } }: { params: Params }) {
  const account = useSession("customer")?.account ?? "";
  const catalogue = useCatalogue();
  return (
    <OfSubscription id={id} title="Change" when={["active", "suspended"]}>
      {({ subscription }, reload) => (
        <Async of={catalogue}>
          {(models) => <Form account={account} subscription={subscription} catalogue={models} reload={reload} />}
        </Async>
      )}
    </OfSubscription>
  );
}
