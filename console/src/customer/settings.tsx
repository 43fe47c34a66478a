// The settings of a subscription: its label, whether it renews itself, its key, and its end.
// Rule: what cannot be undone says so before it is done; a new key is shown on this page, once.

import type { Subscription } from "../api/types";
import type { Params } from "../routes";
import { useSession } from "../session/session";
import { SubscriptionSide } from "../subscription/side";
import { ButtonLink, Notice } from "../ui/parts";
import { AutoRenewal } from "./auto-renewal";
import { Cancellation } from "./cancellation";
import { KeySettings } from "./key-settings";
import { LabelForm } from "./label-form";

interface Props {
  readonly account: string;
  readonly subscription: Subscription;
  readonly reload: () => void;
}

const OVER: Readonly<Partial<Record<Subscription["status"], readonly [string, string, string]>>> = {
  expired: ["Its term is over. A renewal begins a new one, with a new key.", "/renew", "Renew it"],
  cancelled: ["It was cancelled, and is never renewed. Only its label can still be changed.", "#/buy", "Buy anew"],
};

function Over({ subscription: { status, subscriptionId } }: { subscription: Subscription }) {
  const over = OVER[status];
  if (over === undefined) return null;
  const [words, to, action] = over;
  return (
    <Notice tone="warn" title="It has ended.">
      <p>{words}</p>
      <ButtonLink href={to.startsWith("#") ? to : `#/subscriptions/${subscriptionId}${to}`}>{action}</ButtonLink>
    </Notice>
  );
}

function Settings(props: Props) {
  const { status } = props.subscription;
  const runs = status === "active" || status === "suspended";
  const ended = status === "expired" || status === "cancelled";
  return (
    <>
      <Over subscription={props.subscription} />
      <LabelForm {...props} />
      {runs && <AutoRenewal {...props} />}
      {!ended && <KeySettings {...props} />}
      {!ended && <Cancellation {...props} />}
    </>
  );
}

export default function SettingsPage({ params: { id = "" } }: { params: Params }) {
  const account = useSession("customer")?.account ?? "";
  return (
    <SubscriptionSide kind="customer" id={id} title="Settings and key">
      {(subscription, reload) => <Settings account={account} subscription={subscription} reload={reload} />}
    </SubscriptionSide>
  );
}
