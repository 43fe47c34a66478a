// What is asked before a model is saved or withdrawn: the reason, the consequence, and a word for an unusual price.
// Rule: a version goes along with everything that is sent, so that two operators never overwrite each other.

import { useState } from "preact/hooks";
import { operatorApi, pathId, read } from "../api/client";
import { asRefusal } from "../api/refusal";
import type { Refusal } from "../api/refusal";
import type { PutModel, ReadModel } from "../api/types";
import { ReasonDialog } from "../ui/dialog";
import { TickField } from "../ui/inputs";
import { PricePreview } from "./model-fields";

interface SendProps {
  readonly id: string;
  /** The version it is about; null where there is to be none. */
  readonly etag: string | null;
  /** Called when it was done, with what is said of it, or with null when the question was closed. */
  readonly onEnd: (said: string | null) => void;
}

interface MeantProps {
  readonly slip: Refusal;
  readonly checked: boolean;
  readonly onValue: (checked: boolean) => void;
}

/** The word that a price needs which changes by an unusual factor: which one, from what, to what. */
function Meant({ slip, checked, onValue }: MeantProps) {
  const hint = slip.message.split(": if that is meant")[0];
  return <TickField label="This change of price is meant" hint={hint} checked={checked} onValue={onValue} />;
}

export function SaveModel({ id, etag, onEnd, now, body }: SendProps & { now: ReadModel | null; body: PutModel }) {
  const [slip, setSlip] = useState<Refusal | null>(null);
  const [meant, setMeant] = useState(false);
  const work = async (reason: string) => {
    const header = etag === null ? { "If-None-Match": "*" } : { "If-Match": etag };
    const params = { path: { modelId: pathId(id) }, header };
    try {
      await read(
        operatorApi(reason).PUT("/v1/models/{modelId}", { params, body: meant ? { ...body, confirm: true } : body }),
      );
    } catch (error) {
      const why = asRefusal(error);
      if (why.code === "confirmation_required") setSlip(why);
      throw why;
    }
  };
  return (
    <ReasonDialog
      title={`Save ${id}?`}
      action="Save it"
      ready={slip === null || meant}
      work={work}
      onDone={() => onEnd(`${id} was saved.`)}
      onClose={() => onEnd(null)}
    >
      {(refusal) => (
        <>
          <p>Prices and limits are those of purchases and renewals from now on. What was sold stays as it was sold.</p>
          <PricePreview now={now} body={body} />
          {refusal?.code === "invalid_request" && <p class="error">{refusal.message}</p>}
          {slip !== null && <Meant slip={slip} checked={meant} onValue={setMeant} />}
        </>
      )}
    </ReasonDialog>
  );
}

export function WithdrawModel({ id, etag, onEnd }: SendProps) {
  const work = (reason: string) =>
    read(
      operatorApi(reason).DELETE("/v1/models/{modelId}", {
        params: { path: { modelId: pathId(id) }, header: etag === null ? {} : { "If-Match": etag } },
      }),
    );
  return (
    <ReasonDialog
      title={`Withdraw ${id}?`}
      action="Withdraw it"
      danger
      work={work}
      onDone={() => onEnd(`${id} was withdrawn.`)}
      onClose={() => onEnd(null)}
    >
      <p>
        It can be neither bought nor renewed from now on; a subscription that has it does not renew itself. Those that
        run keep it until their term ends. You can sell it again at any time.
      </p>
    </ReasonDialog>
  );
}
