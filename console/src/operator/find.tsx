// Where an operator's work begins: an account, a subscription, or whose an API key is.
// Rule: a key is in the body of one call and nowhere else, neither in the address nor in a draft; its field is emptied.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { operatorApi, read } from "../api/client";
import type { Refusal } from "../api/refusal";
import type { FoundKey } from "../api/types";
import { go } from "../router";
import { subscriptionPath } from "../subscription/tabs";
import { useDoing } from "../ui/dialog";
import { Field } from "../ui/field";
import { TextField } from "../ui/inputs";
import { Page, announce } from "../ui/page";
import { Badge, Button, Facts, Notice, StatusBadge } from "../ui/parts";
import { Refused } from "../ui/refused";
import { accountFault, accountPath, subscriptionFault } from "./paths";

interface FormProps {
  readonly title: string;
  readonly onSubmit: () => void;
  readonly children: ComponentChildren;
}

function FindForm({ title, onSubmit, children }: FormProps) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <form onSubmit={submit} noValidate>
        {children}
      </form>
    </section>
  );
}

interface ByNameProps {
  readonly title: string;
  readonly label: string;
  readonly hint: string;
  readonly fault: (typed: string) => string | null;
  readonly to: (id: string) => string;
}

/** Looks for what has a name: it is opened as soon as the name can be one. */
function ByName({ title, label, hint, fault, to }: ByNameProps) {
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const submit = () => {
    const id = typed.trim();
    const why = fault(id);
    setWrong(why);
    if (why === null) go(to(id));
  };
  return (
    <FindForm title={title} onSubmit={submit}>
      <TextField label={label} hint={hint} error={wrong} value={typed} onValue={setTyped} />
      <Button type="submit" look="primary">
        Open
      </Button>
    </FindForm>
  );
}

function Found({ of }: { of: FoundKey }) {
  return (
    <Facts
      of={[
        ["This key", of.current ? <Badge tone="good">good now</Badge> : <Badge tone="warn">replaced or revoked</Badge>],
        ["Subscription", <a href={`#${subscriptionPath("operator", of.subscriptionId)}`}>{of.subscriptionId}</a>],
        ["Account", <a href={`#${accountPath(of.accountId)}`}>{of.accountId}</a>],
        ["Status", <StatusBadge status={of.status} />],
      ]}
    />
  );
}

interface KeyFieldProps {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly error: string | null;
  readonly refusal: Refusal | null;
}

function KeyField({ value, onValue, error, refusal }: KeyFieldProps) {
  const hint = "It is sent to be looked up, and kept nowhere.";
  return (
    <Field label="API key" hint={hint} error={error} param="apiKey" refusal={refusal}>
      {(tied) => (
        <input
          {...tied}
          type="password"
          autoComplete="off"
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

function ByKey() {
  const [key, setKey] = useState("");
  const [found, setFound] = useState<FoundKey | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const doing = useDoing();
  const submit = async () => {
    const apiKey = key.trim();
    setFound(null);
    setWrong(apiKey === "" ? "Paste the whole key." : null);
    if (apiKey === "") return;
    await doing.run(async () => {
      setFound(await read(operatorApi().POST("/v1/keys/lookup", { body: { apiKey } })));
      setKey("");
      announce("The key was found.");
    });
  };
  const nothing = doing.refusal?.code === "not_found";
  return (
    <FindForm title="By an API key" onSubmit={() => void submit()}>
      <KeyField value={key} onValue={setKey} error={wrong} refusal={doing.refusal} />
      <Button type="submit" look="primary" busy={doing.busy}>
        Look up
      </Button>
      {nothing && (
        <Notice tone="bad">No subscription has or had this key. Ask for the whole key, without quotes.</Notice>
      )}
      {doing.refusal !== null && !nothing && <Refused refusal={doing.refusal} />}
      {found !== null && <Found of={found} />}
    </FindForm>
  );
}

export default function Find() {
  return (
    <Page title="Find">
      <div class="cards">
        <ByName
          title="By account"
          label="Account"
          hint="As its tokens name it, such as acct_demo."
          fault={accountFault}
          to={accountPath}
        />
        <ByName
          title="By subscription"
          label="Id of the subscription"
          hint="It begins with sub_."
          fault={subscriptionFault}
          to={(id) => subscriptionPath("operator", id)}
        />
        <ByKey />
      </div>
    </Page>
  );
}
