// What would keep a subscription from renewing itself, in words, with what to do about it.
// Rule: one part of a sentence for each value of `renewalBlockedBy`; one of a later release is shown as it is.

const BLOCKED: Readonly<Record<string, string>> = {
  unknown_model: "a model of it was withdrawn from the catalogue. Take it out of the list by a change.",
  tier_not_offered: "a model of it is not sold in its tier any more. Choose another tier by a change.",
  limits_not_offered: "a limit of it is not sold any more. Choose another one by a change.",
  subscription_suspended: "it is suspended. An operator has to let it go on first.",
  sale_approval_required: "sales have to be confirmed here. Extend it before it ends.",
  temporarily_unavailable: "the catalogue cannot be read at the moment. Look again in a while.",
};

/** Goes on after "It will not renew itself as things are:". */
export function blockedBy(code: string): string {
  return BLOCKED[code] ?? code;
}
