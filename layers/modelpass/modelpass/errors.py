"""Every error that callers can get: code, HTTP status, type and public text. Rule: pure; no other module defines one.

Pure rules return a `Refusal`, a value. Commands and doors raise the exception `Refused`, which carries one up to where
the request is answered.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

_INVALID = "invalid_request_error"
_PERMISSION = "permission_error"
_NOT_FOUND = "not_found_error"
_CONFLICT = "conflict_error"
_RATE = "rate_limit_error"
_SERVICE = "service_unavailable_error"
_SHOWN_CHARACTERS = 64


class ErrorCode(Enum):
    """The published codes: (code, HTTP status, type, default public text)."""

    INVALID_REQUEST = ("invalid_request", 400, _INVALID, "The request is malformed.")
    DUPLICATE_MODEL = ("duplicate_model", 400, _INVALID, "Each model may be bought once.")
    UNKNOWN_MODEL = ("unknown_model", 400, _INVALID, "The catalogue has no such model.")
    TIER_NOT_OFFERED = ("tier_not_offered", 400, _INVALID, "The model is not offered in this tier.")
    REQUEST_EXCEEDS_LIMIT = (
        "request_exceeds_limit",
        400,
        _INVALID,
        "The request asks for more than the whole limit, so it can never be granted.",
    )
    INVALID_API_KEY = (
        "invalid_api_key",
        401,
        "authentication_error",
        "The API key is malformed, unknown or was replaced.",
    )
    SUBSCRIPTION_EXPIRED = (
        "subscription_expired",
        403,
        _PERMISSION,
        "The subscription has expired.",
    )
    SUBSCRIPTION_SUSPENDED = (
        "subscription_suspended",
        403,
        _PERMISSION,
        "The subscription is suspended.",
    )
    SUBSCRIPTION_PENDING = (
        "subscription_pending",
        403,
        _PERMISSION,
        "The subscription waits for its order to be confirmed.",
    )
    SUBSCRIPTION_CANCELLED = (
        "subscription_cancelled",
        403,
        _PERMISSION,
        "The subscription was cancelled.",
    )
    MODEL_NOT_INCLUDED = (
        "model_not_included",
        403,
        _PERMISSION,
        "The subscription does not include this model.",
    )
    TIER_NOT_INCLUDED = (
        "tier_not_included",
        403,
        _PERMISSION,
        "The subscription includes this model in another tier.",
    )
    FORBIDDEN = ("forbidden", 403, _PERMISSION, "This call is for operators, and the token is none of theirs.")
    NOT_FOUND = ("not_found", 404, _NOT_FOUND, "There is no such resource.")
    AUTHORIZATION_NOT_FOUND = (
        "authorization_not_found",
        404,
        _NOT_FOUND,
        "There is no such authorization.",
    )
    ACTIVE_SUBSCRIPTION_EXISTS = (
        "active_subscription_exists",
        409,
        _CONFLICT,
        "The account already has an active subscription.",
    )
    SUBSCRIPTION_NOT_EXPIRED = (
        "subscription_not_expired",
        409,
        _CONFLICT,
        "Only an expired subscription can be renewed.",
    )
    TERM_TOO_LONG = (
        "term_too_long",
        400,
        _INVALID,
        "The current month and those after it would be more than 12.",
    )
    PRICE_CHANGED = ("price_changed", 409, _CONFLICT, "It costs another total than was expected.")
    ORDER_PENDING = ("order_pending", 409, _CONFLICT, "An order of the account waits for its confirmation.")
    ORDER_LAPSED = ("order_lapsed", 409, _CONFLICT, "The order has lapsed, or was rejected or withdrawn.")
    ORDER_CONFIRMED = ("order_confirmed", 409, _CONFLICT, "The order was confirmed.")
    CONFIRMATION_REQUIRED = (
        "confirmation_required",
        409,
        _CONFLICT,
        "The change is so large that it has to be confirmed.",
    )
    REQUEST_ID_REUSED = (
        "request_id_reused",
        409,
        _CONFLICT,
        "The request id belongs to an open authorization with other figures.",
    )
    REQUEST_IN_PROGRESS = (
        "request_in_progress",
        409,
        _CONFLICT,
        "Another attempt at this request was granted before and is not settled yet.",
    )
    PRECONDITION_FAILED = (
        "precondition_failed",
        412,
        _CONFLICT,
        "It is not as the header demands: look at it again.",
    )
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused",
        422,
        _INVALID,
        "The Idempotency-Key was used with another body.",
    )
    MONTHLY_CAP_REACHED = (
        "monthly_cap_reached",
        429,
        _RATE,
        "The monthly cap leaves no room for this request.",
    )
    DAILY_CALL_LIMIT_REACHED = (
        "daily_call_limit_reached",
        429,
        _RATE,
        "The daily call limit leaves no room for this request.",
    )
    TOO_MANY_OPEN_HOLDS = (
        "too_many_open_holds",
        429,
        _RATE,
        "Too many requests of this model are unsettled.",
    )
    TOO_MANY_PURCHASES = (
        "too_many_purchases",
        429,
        _RATE,
        "The account has bought as often as a day allows.",
    )
    TOO_MANY_NEW_KEYS = (
        "too_many_new_keys",
        429,
        _RATE,
        "The subscription has had as many new keys as a day allows.",
    )
    INTERNAL_ERROR = ("internal_error", 500, "api_error", "Something failed on our side.")
    TIER_UNAVAILABLE = (
        "tier_unavailable",
        503,
        _SERVICE,
        "The tier bought for this model is unavailable; no other tier is used in its place.",
    )
    TEMPORARILY_UNAVAILABLE = (
        "temporarily_unavailable",
        503,
        _SERVICE,
        "The service is busy; the same request may be sent again.",
    )

    def __init__(self, code: str, status: int, error_type: str, text: str) -> None:
        self.code = code
        self.status = status
        self.error_type = error_type
        self.text = text


class Refusal(NamedTuple):
    """One refusal, ready to be shown.

    `param` names the field at fault, `message` replaces the code's own text, `retry_after` is in whole seconds.
    """

    code: ErrorCode
    param: str | None = None
    message: str | None = None
    retry_after: int | None = None

    def error(self) -> dict[str, Any]:
        """The `error` object that AI clients already parse."""
        return {
            "message": self.message or self.code.text,
            "type": self.code.error_type,
            "code": self.code.code,
            "param": self.param,
        }

    def fields(self) -> dict[str, Any]:
        """The `error` object and, where there is one, `retryAfter`."""
        if self.retry_after is None:
            return {"error": self.error()}
        return {"retryAfter": self.retry_after, "error": self.error()}


class Refused(Exception):  # noqa: N818
    """A refusal on its way up to the door that answers it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code.code)
        self.refusal = refusal


def raise_if_refused(refusal: Refusal | None) -> None:
    """Raise `Refused` if a rule has given a refusal."""
    if refusal is not None:
        raise Refused(refusal)


def invalid(param: str | None, message: str) -> Refused:
    """The exception for an `invalid_request`; `param` names the field at fault."""
    return Refused(Refusal(ErrorCode.INVALID_REQUEST, param=param, message=message))


def invalid_cursor() -> Refused:
    """The exception for a cursor that no page gave, or that a page of something else gave."""
    return invalid("cursor", "cursor must be the next of an earlier page.")


def quoted(name: object) -> str:
    """A field name that a caller sent, as an error may repeat it: its first 64 characters, in ASCII."""
    return str(name)[:_SHOWN_CHARACTERS].encode("ascii", "backslashreplace").decode()


def member_path(path: str, name: object) -> str:
    """How a member of an object is named inside a body: `months`, `models[1].channelTier`."""
    return f"{path}.{quoted(name)}" if path else quoted(name)


def authorization_not_found() -> Refused:
    """The exception for an id under which nothing was authorized, or is not any more."""
    return Refused(Refusal(ErrorCode.AUTHORIZATION_NOT_FOUND, param="authorizationId"))


def temporarily_unavailable() -> Refused:
    """The exception for when the store is throttled or down, or too many races were lost.

    The caller may send the same request again, after a second.
    """
    return Refused(Refusal(ErrorCode.TEMPORARILY_UNAVAILABLE, retry_after=1))


def internal_error(request_id: str) -> Refusal:
    """The refusal for an unexpected failure: it gives a request id to quote, and no detail from inside."""
    return Refusal(
        ErrorCode.INTERNAL_ERROR,
        message=f"{ErrorCode.INTERNAL_ERROR.text} Request id: {request_id}.",
    )
