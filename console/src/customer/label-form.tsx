// What the customer calls a subscription.
// Rule: it is for the reader's own order and changes nothing else, so it is saved without a question.

import { customerApi, read } from "../api/client";
import type { Subscription } from "../api/types";
import { useDraft } from "../session/draft";
import { useDoing } from "../ui/dialog";
import { TextField } from "../ui/inputs";
import { announce } from "../ui/page";
import { Button } from "../ui/parts";
import { Refused } from "../ui/refused";

const MOST = 64;

interface Props {
  readonly account: string;
  readonly subscription: Subscription;
  readonly reload: () => void;
}

export function LabelForm({ account, subscription: { subscriptionId, label }, reload }: Props) {
  const [draft, setDraft, done] = useDraft(account, `${subscriptionId}.label`, label ?? "");
  const doing = useDoing();
  const same = draft.trim() === (label ?? "");
  const save = async () => {
    const params = { path: { subscriptionId } };
    const body = { label: draft.trim() };
    if (!(await doing.run(() => read(customerApi().PATCH("/v1/subscriptions/{subscriptionId}", { params, body })))))
      return;
    done();
    announce("The label was saved.");
    reload();
  };
  return (
    <form
      class="card"
      aria-label="Label"
      onSubmit={(event) => {
        event.preventDefault();
        if (!same) void save();
      }}
    >
      <h2>Label</h2>
      <TextField
        label="What you call it"
        hint={`At most ${MOST} characters; it stands on its orders from then on. Leave it empty to have none.`}
        param="label"
        refusal={doing.refusal}
        maxLength={MOST}
        value={draft}
        onValue={setDraft}
      />
      {doing.refusal !== null && <Refused refusal={doing.refusal} />}
      <Button type="submit" look="primary" busy={doing.busy} disabled={same}>
        Save the label
      </Button>
    </form>
  );
}
