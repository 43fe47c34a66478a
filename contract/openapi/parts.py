"""The parts that an operation is described by. Rule: they say what the API does, in no words of OpenAPI's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from modelpass.api import reasons, requests
from modelpass.api.validation import Strict
from modelpass.catalogue.tiers import Tier
from modelpass.errors import ErrorCode, Refusal
from modelpass.ids import MAX_ACCOUNT_BYTES, MODEL_ID_PATTERN, MODEL_ID_RULE, SUBSCRIPTION_ID_PATTERN
from modelpass.order_ids import ORDER_ID_PATTERN
from modelpass.times import TIME_RULE

if TYPE_CHECKING:
    from pydantic import BaseModel

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a path, a query or the headers."""

    name: str
    where: str
    schema: Json
    description: str
    example: Any
    required: bool = True


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request: its model, and examples by name."""

    model: type[Strict]
    examples: dict[str, Any]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer when the call is carried out; it has several shapes where a repeat is answered in another one."""

    status: int
    description: str
    shapes: tuple[type[BaseModel], ...] = ()
    examples: dict[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One route of the template. `refusals` are examples of those that it may answer beside `EVERY_CALL`."""

    route: str
    name: str
    summary: str
    description: str
    answer: Answer
    refusals: tuple[Refusal, ...]
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    operator: bool = False
    by_key: bool = False
    """Whether the caller is known by an API key, which the function checks, and not by a token."""
    others: tuple[Answer, ...] = ()
    """Further answers of a call that is carried out, by other statuses."""

    @property
    def method(self) -> str:
        """The HTTP method in lower case, as OpenAPI's path items have it."""
        return self.route.partition(" ")[0].lower()

    @property
    def path(self) -> str:
        """The path, with its variables in braces."""
        return self.route.partition(" ")[2]


class NoBody(Strict):
    """Nothing, or an empty object."""


NO_BODY: Final = Body(NoBody, {"empty": {}}, required=False)
EVERY_CALL: Final = (
    Refusal(ErrorCode.INTERNAL_ERROR, message="Something failed on our side. Request id: 1b7cbe0e."),
    Refusal(ErrorCode.TEMPORARILY_UNAVAILABLE, retry_after=1),
)
"""Examples of the refusals that every operation may answer."""
NOT_FOUND: Final = Refusal(ErrorCode.NOT_FOUND)
FORBIDDEN: Final = Refusal(ErrorCode.FORBIDDEN)

SUBSCRIPTION_ID: Final = Parameter(
    "subscriptionId",
    "path",
    {"type": "string", "pattern": f"^{SUBSCRIPTION_ID_PATTERN}$"},
    "A subscription of the caller. Any other id answers 404.",
    "sub_mfrggzdfmztwq2lknnwg23tp",
)
ANY_SUBSCRIPTION_ID: Final = Parameter(
    "subscriptionId", "path", SUBSCRIPTION_ID.schema, "A subscription of any account.", SUBSCRIPTION_ID.example
)
AUTHORIZATION_ID: Final = Parameter(
    "authorizationId",
    "path",
    {"type": "string", "pattern": "^auth_[A-Za-z0-9_-]+$"},
    "An authorization of this subscription. Any other id answers 404.",
    "auth_AWGxEMjZLM9BPWtawx23UGHmnW8AAWnbmc3vfl8e2f8u0Y0T1t9ab0AAAAAAAAAAAAAA",
)
ORDER_ID: Final = Parameter(
    "orderId",
    "path",
    {"type": "string", "pattern": f"^{ORDER_ID_PATTERN}$"},
    "An order of the caller. Any other id answers 404.",
    "ord_mfrggzdfmztwq2lknnwg23tpaaaaaaab",
)
MODEL_ID: Final = Parameter(
    "modelId",
    "path",
    {"type": "string", "pattern": f"^{MODEL_ID_PATTERN}$"},
    f"{MODEL_ID_RULE}; percent-encoded, `/` as `%2F`.",
    "claude-opus-4-6",
)
SHOWN_MODEL_ID: Final = Parameter(
    "modelId", "path", {"type": "string", "minLength": 1}, "A model; one that never was answers 404.", MODEL_ID.example
)
ANY_MODEL_ID: Final = Parameter(
    "modelId",
    "path",
    {"type": "string", "minLength": 1},
    "A model; one that never was needs no withdrawing.",
    MODEL_ID.example,
)
TIER: Final = Parameter("tier", "path", {"type": "string", "enum": list(Tier)}, "A tier of the model.", "stable")
ACCOUNT_ID: Final = Parameter(
    "accountId",
    "path",
    {"type": "string", "minLength": 1, "maxLength": MAX_ACCOUNT_BYTES},
    f"The account as its tokens' claim names it, by default `sub`: 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8.",
    "acct_demo",
)
PLAN_ID: Final = Parameter("planId", "path", MODEL_ID.schema, f"The plan that has ended: {MODEL_ID_RULE}.", "plan_team")
CURSOR: Final = Parameter(
    "cursor", "query", {"type": "string"}, "`next` of the page before.", "EXAMPLE", required=False
)


def limit(default: int, most: int) -> Parameter:
    """How many entries a page may have."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter("limit", "query", schema, "How many at most.", default, required=False)


PAGE: Final = (limit(requests.DEFAULT_ENTRIES, requests.MOST_ENTRIES), CURSOR)
_ONE_TAG: Final = '(W/)?"[!#-~]*"'
_TAGS: Final = {"type": "string", "pattern": rf"^(\*|{_ONE_TAG}( ?, ?{_ONE_TAG})*)$"}
IF_MATCH: Final = Parameter(
    "If-Match",
    "header",
    _TAGS,
    "Only if the model is as this `ETag` names it; several are separated by commas. `*`: only if there is one, also "
    "one that was withdrawn.",
    '"mfrggzdfmztwq2lknnwg23tp"',
    required=False,
)
IF_NONE_MATCH: Final = Parameter(
    "If-None-Match",
    "header",
    _TAGS,
    "`*`: only if there is none, also none that was withdrawn. Or only if the model is not as this `ETag` names it.",
    "*",
    required=False,
)
REQUEST_REASON: Final = Parameter(
    reasons.HEADER,
    "header",
    {"type": "string", "pattern": f"^{reasons.REASON_PATTERN}$"},
    f"Why an operator calls: {reasons.REASON_RULE}. It stands in the log's line of the call, beside who has called.",
    "ticket%204711",
    required=False,
)
AS_OF: Final = Parameter(
    "asOf",
    "query",
    {"type": "string", "format": "date-time"},
    f"The instant that the news is from, not later than now, as {TIME_RULE}; older news than what is known changes "
    "nothing.",
    "2026-11-24T18:00:00Z",
    required=False,
)


def idempotency_key(description: str, *, required: bool = False) -> Parameter:
    """The header that makes a call safe to repeat."""
    schema = {"type": "string", "pattern": f"^{requests.IDEMPOTENCY_KEY_PATTERN}$"}
    return Parameter("Idempotency-Key", "header", schema, description, "order-1", required=required)


def bad(param: str | None, message: str) -> Refusal:
    """An `invalid_request`, as an example."""
    return Refusal(ErrorCode.INVALID_REQUEST, param=param, message=message)
