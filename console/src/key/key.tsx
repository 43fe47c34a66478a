// What is left of an API key, for whoever has only that: no account, no sign-in.
// Rule: the key is in this page's memory alone, never in the address, the history or a storage; leaving the page forgets it.

import { useRef, useState } from "preact/hooks";
import { keyApi, read } from "../api/client";
import type { KeyInfo } from "../api/types";
import { ModelCard } from "../subscription/model-card";
import { AsOf, Async, useAnswer } from "../ui/answers";
import { Field } from "../ui/field";
import { Page } from "../ui/page";
import { Button, Facts, Instant, StatusBadge } from "../ui/parts";
import { wrongKey } from "./wrong-key";

function Shown({ of: { status, subscriptionId, term, startsAt, expiresAt, timezone, models } }: { of: KeyInfo }) {
  return (
    <>
      <Facts
        of={[
          ["Status", <StatusBadge status={status} />],
          ["Term", String(term)],
          ["Began", <Instant at={startsAt} zone={timezone} />],
          ["Ends", <Instant at={expiresAt} zone={timezone} />],
          ["Time zone", timezone],
          ["Subscription", <code>{subscriptionId}</code>],
        ]}
      />
      <div class="cards">
        {models.map((model) => (
          <ModelCard key={model.modelId} model={model} zone={timezone} open={model.openHolds} />
        ))}
      </div>
    </>
  );
}

/** What `apiKey` is good for now. */
function Left({ apiKey }: { apiKey: string }) {
  const asked = useAnswer(() => read(keyApi(apiKey).GET("/v1/key")), []);
  return (
    <section aria-label="What is left">
      <div class="page-head">
        <h2>What is left</h2>
        <AsOf of={asked} />
      </div>
      <Async of={asked}>{(data) => <Shown of={data} />}</Async>
    </section>
  );
}

interface FormProps {
  /** There is something to forget besides what is typed. */
  readonly looking: boolean;
  /** Told a key that could be one, or null for none. */
  readonly onKey: (apiKey: string | null) => void;
}

function KeyForm({ looking, onKey }: FormProps) {
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const look = (event: Event) => {
    event.preventDefault();
    const apiKey = typed.trim();
    const error = wrongKey(apiKey);
    setWrong(error);
    onKey(error === null ? apiKey : null);
  };
  const forget = () => {
    setTyped("");
    setWrong(null);
    onKey(null);
  };
  return (
    <form onSubmit={look}>
      <Field label="API key" hint="It is sent to this service and kept nowhere: not here, and not there." error={wrong}>
        {(tied) => (
          <input
            {...tied}
            type="password"
            autoComplete="off"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        )}
      </Field>
      <div class="actions">
        <Button type="submit" look="primary">
          Show what is left
        </Button>
        {(typed !== "" || looking) && <Button onClick={forget}>Forget the key</Button>}
      </div>
    </form>
  );
}

export default function KeyPage() {
  const [asked, setAsked] = useState<{ readonly apiKey: string; readonly round: number } | null>(null);
  const round = useRef(0);
  const ask = (apiKey: string | null) => {
    round.current += 1;
    setAsked(apiKey === null ? null : { apiKey, round: round.current });
  };
  return (
    <Page title="Look at a key">
      <p>See what an API key is good for and what is left of it. Looking changes nothing and counts nothing.</p>
      <KeyForm looking={asked !== null} onKey={ask} />
      {asked !== null && <Left key={asked.round} apiKey={asked.apiKey} />}
    </Page>
  );
}
