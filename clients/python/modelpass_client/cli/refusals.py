"""What each refusal means to whoever typed the command. Rule: by the code alone, never by the text of a message.

The codes are those of `docs/errors.md`, which a test holds this table to, and a few for what API Gateway answers by
itself, before Modelpass is asked. The service's own message follows the words here, for it names the figure or the id.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, NamedTuple

from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Refusal

_SIGN_IN: Final = "Sign in again with `modelpass login`, or for an operator's command `modelpass login --operator`."
_AGAIN: Final = "Try again in a moment."


class Words(NamedTuple):
    """The exit status that a refusal ends with, what it means, and what to do, which may be empty."""

    exit_status: Exit
    what: str
    todo: str = ""


SERVICE: Final = {
    "invalid_request": Words(Exit.REFUSED, "The service does not accept what was sent."),
    "duplicate_model": Words(Exit.REFUSED, "A model is named twice.", "Name each model once."),
    "unknown_model": Words(
        Exit.REFUSED, "The catalogue has no such model, or it was withdrawn.", "See `modelpass catalogue list`."
    ),
    "tier_not_offered": Words(
        Exit.REFUSED, "The model is not offered in this tier.", "See its tiers with `modelpass catalogue list`."
    ),
    "request_exceeds_limit": Words(Exit.REFUSED, "It asks for more than a whole limit, and is never granted."),
    "invalid_api_key": Words(
        Exit.NOT_ALLOWED, "The API key is mistyped, was replaced, or was revoked.", "Ask its customer for the new one."
    ),
    "subscription_expired": Words(
        Exit.REFUSED, "The subscription's term is over.", "The customer may renew it, or buy anew."
    ),
    "subscription_suspended": Words(
        Exit.REFUSED, "The subscription is suspended.", "`modelpass subscriptions resume` lets it go on."
    ),
    "subscription_pending": Words(
        Exit.REFUSED,
        "The purchase waits for its confirmation.",
        "`modelpass orders confirm` or `modelpass orders reject` decides it.",
    ),
    "subscription_cancelled": Words(Exit.REFUSED, "The subscription was cancelled.", "The customer may buy anew."),
    "model_not_included": Words(
        Exit.REFUSED, "The subscription does not have this model.", "See `modelpass subscriptions show`."
    ),
    "tier_not_included": Words(Exit.REFUSED, "The subscription has the model in another tier."),
    "forbidden": Words(
        Exit.NOT_ALLOWED,
        "This is for operators, and the token is none of an operator.",
        "Sign in with `modelpass login --operator`, or set MODELPASS_TOKEN to an operator's token.",
    ),
    "not_found": Words(Exit.NOT_FOUND, "There is no such thing, or it is another account's.", "Check the id."),
    "authorization_not_found": Words(
        Exit.NOT_FOUND,
        "There is no such authorization, or its term ended more than 90 days ago.",
        "See the open ones with `modelpass subscriptions holds`.",
    ),
    "active_subscription_exists": Words(
        Exit.CONFLICT,
        "The account has an active subscription or plan already.",
        "It frees its place when it ends, or is cancelled.",
    ),
    "subscription_not_expired": Words(Exit.CONFLICT, "Only an expired subscription is renewed.", "Extend it instead."),
    "term_too_long": Words(Exit.REFUSED, "The term would be longer than 12 months.", "Ask for fewer months, or later."),
    "price_changed": Words(
        Exit.CONFLICT, "It costs another total by now.", "Nothing was bought: run the command anew and see the price."
    ),
    "order_pending": Words(
        Exit.CONFLICT,
        "An order of the account waits for its confirmation.",
        "Nothing else is sold until it was confirmed, rejected or withdrawn: see `modelpass orders list`.",
    ),
    "order_lapsed": Words(
        Exit.CONFLICT, "The order has ended unconfirmed, and is never carried out.", "Give its payment back."
    ),
    "order_confirmed": Words(Exit.CONFLICT, "The order was carried out already, and is not rejected any more."),
    "confirmation_required": Words(
        Exit.CONFLICT, "A price would change by a large factor.", "Repeat it with --confirm if that is meant."
    ),
    "request_id_reused": Words(Exit.CONFLICT, "The request id has an open hold with other figures."),
    "request_in_progress": Words(Exit.CONFLICT, "Another attempt at this request is under way."),
    "precondition_failed": Words(
        Exit.CONFLICT, "Somebody changed the model in between.", "Nothing has changed: run the command anew."
    ),
    "idempotency_key_reused": Words(
        Exit.CONFLICT, "This --idempotency-key was used for something else.", "Leave it out, or take another."
    ),
    "monthly_cap_reached": Words(Exit.REFUSED, "Nothing is left of the month."),
    "daily_call_limit_reached": Words(Exit.REFUSED, "No calls are left of the day."),
    "too_many_open_holds": Words(Exit.UNREACHABLE, "Too many requests are open.", _AGAIN),
    "too_many_purchases": Words(Exit.REFUSED, "The account has bought as often as it may today.", "Wait a UTC day."),
    "too_many_new_keys": Words(Exit.REFUSED, "The subscription got as many new keys as it may today."),
    "internal_error": Words(
        Exit.UNREACHABLE, "The service failed.", "Its log has the place under the request id in the message."
    ),
    "tier_unavailable": Words(Exit.UNREACHABLE, "The tier is down.", _AGAIN),
    "temporarily_unavailable": Words(Exit.UNREACHABLE, "The service is busy or cannot reach its store.", _AGAIN),
}
"""Each code of `docs/errors.md`."""

GATEWAY: Final = {
    "signed_out": Words(Exit.NOT_ALLOWED, "The token is not accepted: it has ended, or is for another API.", _SIGN_IN),
    "not_allowed": Words(Exit.NOT_ALLOWED, "The token may not do this.", _SIGN_IN),
    "no_such_call": Words(
        Exit.NOT_FOUND, "What answers there does not know this call.", "Check --url and MODELPASS_URL."
    ),
    "too_large": Words(Exit.REFUSED, "It is larger than the service takes."),
    "throttled": Words(Exit.UNREACHABLE, "Too many calls at once.", _AGAIN),
    "unavailable": Words(Exit.UNREACHABLE, "The service does not answer in time.", _AGAIN),
    "unknown": Words(
        Exit.REFUSED, "The service refused, by a code that this version of the command line does not know."
    ),
}
"""What API Gateway, or what else stands before Modelpass, answers without a code."""

_BY_STATUS: Final = {
    HTTPStatus.UNAUTHORIZED: "signed_out",
    HTTPStatus.FORBIDDEN: "not_allowed",
    HTTPStatus.NOT_FOUND: "no_such_call",
    HTTPStatus.METHOD_NOT_ALLOWED: "no_such_call",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "throttled",
}


def refusal_of(status: int, body: Any, retry_after: str | None) -> Refusal:
    """The refusal that an answer tells; one without the service's envelope is known by its status alone."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict) and isinstance(error.get("code"), str):
        return _of_service(status, error, retry_after)
    code = _BY_STATUS.get(HTTPStatus(status) if status in set(HTTPStatus) else HTTPStatus.IM_A_TEAPOT)
    if code is None:
        code = "unavailable" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "unknown"
    words = GATEWAY[code]
    return Refusal(words.exit_status, (f"{words.what} ({status})", words.todo), code=code, status=status, param=None)


def _of_service(status: int, error: dict[str, Any], retry_after: str | None) -> Refusal:
    code, param, message = error["code"], error.get("param"), error.get("message")
    words = SERVICE.get(code, GATEWAY["unknown"])
    said = f" {message}" if isinstance(message, str) and message else ""
    place = f" {param}:" if isinstance(param, str) and param not in said else ""
    when = f" It may be tried again in {retry_after} s." if retry_after and retry_after.isdecimal() else ""
    told = (f"{words.what}{place}{said} ({code})", f"{words.todo}{when}".strip())
    return Refusal(words.exit_status, told, code=code, status=status, param=param)
