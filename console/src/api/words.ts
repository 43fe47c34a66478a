// Every refusal in plain words: what happened, and what to do about it.
// Rule: one entry for each code, complete by its type and held to docs/errors.md by a test; no page words a refusal itself.

import type { Code } from "./refusal";

export interface Words {
  readonly what: string;
  readonly todo: string;
}

const w = (what: string, todo: string): Words => ({ what, todo });

const RENEW_OR_BUY = "Renew it, or buy a new subscription.";

export const WORDS: Readonly<Record<Code, Words>> = {
  invalid_request: w(
    "Something that was entered cannot be taken as it is.",
    "Correct the field that is marked, and send it again.",
  ),
  duplicate_model: w("A model is in the list twice.", "Take one of the two out."),
  unknown_model: w(
    "A model is not in the catalogue, or was withdrawn from it.",
    "Take it out of the list, or choose another one.",
  ),
  tier_not_offered: w("The model is not sold in this tier.", "Choose a tier that the catalogue offers for it."),
  request_exceeds_limit: w(
    "One request asks for more than the whole limit.",
    "Buy a higher limit, or ask for less at once.",
  ),
  invalid_api_key: w(
    "This API key opens nothing: it is mistyped, was replaced, or was revoked.",
    "Copy the whole key again, or make a new one in the subscription's settings.",
  ),
  subscription_expired: w("The subscription's term is over.", RENEW_OR_BUY),
  subscription_suspended: w(
    "An operator has suspended the subscription.",
    "Ask the operator who runs this service; until it goes on, nothing is granted, renewed or given a new key.",
  ),
  subscription_pending: w(
    "The purchase still waits for its confirmation.",
    "Wait until it is confirmed, or withdraw the order.",
  ),
  subscription_cancelled: w("The subscription was cancelled.", "Buy a new subscription."),
  model_not_included: w("The subscription does not have this model.", "Add it by changing the subscription."),
  tier_not_included: w(
    "The subscription has this model in another tier.",
    "Use the tier that was bought, or change the subscription.",
  ),
  forbidden: w("This is for operators, and you are not signed in as one.", "Sign in as an operator."),
  not_found: w(
    "There is nothing here, or it belongs to another account.",
    "Check the address, or go back to the overview.",
  ),
  authorization_not_found: w(
    "There is no such hold: it was never there, or it is long over.",
    "Look at the open holds again.",
  ),
  active_subscription_exists: w(
    "The account has a running subscription already, or a plan takes its place.",
    "Change or extend the one that runs, or cancel it first.",
  ),
  subscription_not_expired: w("Only an expired subscription is renewed.", "Extend it while it runs."),
  term_too_long: w(
    "This would make the current month and those after it more than twelve.",
    "Choose fewer months, or extend later.",
  ),
  price_changed: w(
    "The price has changed since it was shown. Nothing was bought.",
    "Look at the new price, and confirm it if you agree.",
  ),
  order_pending: w(
    "Another order of this account waits for its confirmation.",
    "Wait for it, or withdraw it on the page of orders.",
  ),
  order_lapsed: w(
    "The order has lapsed, or was rejected or withdrawn, and will never be carried out.",
    "It takes a new order.",
  ),
  order_confirmed: w(
    "The order was carried out meanwhile.",
    "It cannot be withdrawn or rejected any more; look at the orders again.",
  ),
  confirmation_required: w(
    "A price would change by an unusual factor.",
    "Check the figure that is marked, and confirm it if it is meant.",
  ),
  request_id_reused: w("This request id has an open hold with other figures.", "Use a new request id."),
  request_in_progress: w("Another attempt at this request is under way.", "Wait for its answer."),
  precondition_failed: w(
    "Somebody else has changed this in the meantime. Nothing was saved.",
    "Load it again, look at what changed, and decide anew.",
  ),
  idempotency_key_reused: w(
    "This order was sent before with other contents.",
    "Load the page again, and check your orders before you order anew.",
  ),
  monthly_cap_reached: w(
    "The month's units are used up.",
    "Wait for the next month, buy a top-up, or change to a higher cap.",
  ),
  daily_call_limit_reached: w(
    "The day's calls are used up.",
    "Wait for the next day, or change to a higher daily limit.",
  ),
  too_many_open_holds: w("Too many requests are open at once.", "Wait until some of them are answered."),
  too_many_purchases: w(
    "This account has bought as often as it may today.",
    "Come back tomorrow (the day ends at midnight UTC).",
  ),
  too_many_new_keys: w(
    "This subscription has had as many new keys as it may have today.",
    "The newest one goes on; come back tomorrow (the day ends at midnight UTC).",
  ),
  internal_error: w(
    "Something went wrong inside the service.",
    "Try again; if it stays so, tell the operator the id below.",
  ),
  tier_unavailable: w("The tier is down at the moment. Nothing was counted.", "Try again in a while."),
  temporarily_unavailable: w(
    "The service is busy or cannot reach its store.",
    "Try again in a moment; doing so twice does no harm.",
  ),
  unreachable: w(
    "No answer came from the service.",
    "Check your connection, and try again; doing so twice does no harm.",
  ),
  signed_out: w("Your session has ended.", "Sign in again; what you entered is kept."),
  throttled: w("Too many calls came at once.", "Wait a moment, and try again."),
  too_large: w("What was sent is too large.", "Send less at once."),
  unexpected: w("The service answered in an unexpected way.", "Try again; if it stays so, tell the operator."),
};
