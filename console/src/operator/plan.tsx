// The plan of another system that holds an account's one place: looked at, put there, ended.
// Rule: what the service says that it knows now is what is shown, also where it knew newer news than was sent.

import { useState } from "preact/hooks";
import { operatorApi, pathId, read } from "../api/client";
import type { PlanInPlace } from "../api/types";
import { instantOf, viewerZone } from "../format/times";
import { AsOf, Async, useAnswer } from "../ui/answers";
import { ReasonDialog } from "../ui/dialog";
import { TextField } from "../ui/inputs";
import { announce } from "../ui/page";
import { Button, Facts, Instant, Notice } from "../ui/parts";
import { WhenField } from "./when-field";

interface DialogProps {
  readonly account: string;
  readonly plan: PlanInPlace | null;
  readonly onDone: (said: string) => void;
  readonly onClose: () => void;
}

function PutPlan({ account, plan, onDone, onClose }: DialogProps) {
  const [planId, setPlanId] = useState(plan?.planId ?? "");
  const [until, setUntil] = useState("");
  const expiresAt = instantOf(until);
  const put = async (reason: string) => {
    const params = { path: { accountId: pathId(account) } };
    const body = { planId: planId.trim(), expiresAt: expiresAt ?? "" };
    const { applied } = await read(
      operatorApi(reason).PUT("/v1/accounts/{accountId}/plan-subscription", { params, body }),
    );
    return applied ? "The plan holds the place." : "Newer news of the place was known: nothing was changed.";
  };
  return (
    <ReasonDialog
      title={plan === null ? "Put a plan in the account's place?" : "Change the plan?"}
      action={plan === null ? "Put the plan" : "Change the plan"}
      ready={planId.trim() !== "" && expiresAt !== null}
      work={put}
      onDone={onDone}
      onClose={onClose}
    >
      {(refusal) => (
        <>
          <p>Until it ends, the account cannot buy a subscription of its own. Nothing is charged here.</p>
          <TextField
            label="Plan"
            hint="Its id in the system that sold it."
            param="planId"
            refusal={refusal}
            maxLength={128}
            value={planId}
            onValue={setPlanId}
          />
          <WhenField label="Ends" param="expiresAt" refusal={refusal} value={until} onValue={setUntil} />
        </>
      )}
    </ReasonDialog>
  );
}

function EndPlan({ account, plan, onDone, onClose }: DialogProps & { readonly plan: PlanInPlace }) {
  const end = async (reason: string) => {
    const params = { path: { accountId: pathId(account), planId: pathId(plan.planId) } };
    await read(operatorApi(reason).DELETE("/v1/accounts/{accountId}/plan-subscription/{planId}", { params }));
  };
  return (
    <ReasonDialog
      title={`End the plan ${plan.planId}?`}
      action="End the plan"
      danger
      work={end}
      onDone={() => onDone("The plan has ended.")}
      onClose={onClose}
    >
      <p>
        The account's place is free from now on, and it may buy a subscription of its own. The system that sold the plan
        is not told.
      </p>
    </ReasonDialog>
  );
}

function PlanFacts({ plan }: { plan: PlanInPlace }) {
  const at = (instant: string) => <Instant at={instant} zone={viewerZone()} />;
  return (
    <Facts
      of={[
        ["Plan", <code>{plan.planId}</code>],
        ["Ends", at(plan.expiresAt)],
        ["News of", plan.asOf === null ? "no time was told" : at(plan.asOf)],
      ]}
    />
  );
}

/** The plan in the place of `account`, and what an operator does with it. */
export function AccountPlan({ account }: { account: string }) {
  const [asking, setAsking] = useState<"put" | "end" | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  const params = { path: { accountId: pathId(account) } };
  const found = useAnswer(async () => {
    const answer = await read(operatorApi().GET("/v1/accounts/{accountId}/plan-subscription", { params }));
    return answer.planSubscription;
  }, [account]);
  const close = () => setAsking(null);
  const done = (told: string) => {
    close();
    setSaid(told);
    announce(told);
    found.reload();
  };
  const plan = found.data;
  return (
    <section aria-label="Plan">
      <h2>Plan of another system</h2>
      <AsOf of={found} />
      {said !== null && <Notice tone="info">{said}</Notice>}
      <Async of={found} empty={{ when: (data) => data === null, say: "No plan holds the account's place." }}>
        {(data) => data !== null && <PlanFacts plan={data} />}
      </Async>
      {found.at !== null && (
        <div class="actions">
          <Button onClick={() => setAsking("put")}>{plan === null ? "Put a plan" : "Change the plan"}</Button>
          {plan !== null && <Button onClick={() => setAsking("end")}>End the plan</Button>}
        </div>
      )}
      {asking === "put" && <PutPlan account={account} plan={plan} onDone={done} onClose={close} />}
      {asking === "end" && plan !== null && <EndPlan account={account} plan={plan} onDone={done} onClose={close} />}
    </section>
  );
}
