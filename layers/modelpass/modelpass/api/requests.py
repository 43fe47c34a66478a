"""API Gateway event -> request, outcome or refusal -> response. Rule: every refusal has the one envelope."""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NoReturn

from aws_lambda_powertools.event_handler import (
    APIGatewayHttpResolver,
    Response,
    content_types,
)

from modelpass.api import tracing
from modelpass.dynamodb.pages import Page, sort_key_of
from modelpass.entitlements import answers as entitlement_answers
from modelpass.errors import ErrorCode, Refusal, Refused, internal_error, invalid, member_path, shown
from modelpass.ids import MAX_ACCOUNT_BYTES, is_account, is_model_id, is_subscription_id
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

    from modelpass.dynamodb.pages import Listing
    from modelpass.subscriptions.commands.repository import Outcome

OPERATOR_SCOPE: Final = "operator"
MAX_BODY_BYTES: Final = 256 * 1024
IDEMPOTENCY_KEY_PATTERN: Final = "[!-~]{1,255}"
_IDEMPOTENCY_KEY = re.compile(IDEMPOTENCY_KEY_PATTERN)
_UNDECODED: Final = "\ufffd"
_JSON: Final = "application/json"
_REPLAYED: Final = {"Idempotent-Replayed": "true"}
_NO_SUCH_ROUTE: Final = Refusal(ErrorCode.NOT_FOUND, message="There is no such route.")


class _Resolver(APIGatewayHttpResolver):
    """Takes what API Gateway matched: a variable of a path is any text but a slash, and what it may be, a command says.

    Powertools knows some characters only; of others, the function would say that there is no such route.
    Whatever becomes of an event, it has one line in the log.
    """

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def resolve(self, event: dict[str, Any], context: Any) -> dict[str, Any]:  # type: ignore[override]
        line = telemetry.Line(self._command, context.aws_request_id)
        with line:
            telemetry.note(**_facts_of(event))
            with tracing.span(f"## {self._command}") as span:
                answer = super().resolve(event, context)
                span.tell(answer["statusCode"], {**line.facts, "decision": line.decision})
            return answer

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "^{}$") -> re.Pattern[str]:
        return re.compile(base_regex.format(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", rule)))


def resolver(command: str) -> APIGatewayHttpResolver:
    """A resolver whose every failure is answered in the envelope."""
    app = _Resolver(command)

    def on_refusal(error: Refused) -> Response[str]:
        return _refuse(error.refusal)

    def on_surprise(error: Exception) -> Response[str]:
        request_id = app.current_event.request_context.request_id
        telemetry.surprised(error)
        return _refuse(internal_error(request_id))

    app.exception_handler(Refused)(on_refusal)
    app.exception_handler(Exception)(on_surprise)

    @app.not_found
    def on_unknown_route(_: Exception) -> Response[str]:
        return _refuse(_NO_SUCH_ROUTE)

    return app


def answer_preflights(app: APIGatewayHttpResolver) -> None:
    """Answer what a browser asks before it calls: 204, for it takes only a 2xx. Other OPTIONS are no route."""

    @app.route("/.*", method=["OPTIONS"])
    def preflight() -> Response[str]:
        headers = app.current_event.headers
        if "origin" not in headers or "access-control-request-method" not in headers:
            raise Refused(_NO_SUCH_ROUTE)
        telemetry.note(command="preflight")
        return no_content()


def account_of(event: APIGatewayProxyEventV2) -> str:
    """The account: the `sub` claim that API Gateway verified."""
    subject: object = _claims(event.raw_event).get("sub", "")
    if not is_account(subject):
        message = f"The token's sub claim must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8."
        raise invalid("sub", message)
    return subject


def account_in_path(event: APIGatewayProxyEventV2) -> str:
    """The account that the path names."""
    name = event.raw_event.get("pathParameters", {}).get("accountId")
    if not is_account(name) or _UNDECODED in name:  # of bytes that are no UTF-8, two would name the same account
        raise invalid("accountId", f"accountId must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8.")
    telemetry.note(accountId=name)
    return name


def require_operator(event: APIGatewayProxyEventV2) -> None:
    """Refuse a token without the scope `operator`. Who has it asks about the account of someone else, if about any."""
    scopes = _claims(event.raw_event).get("scope", "")
    if not isinstance(scopes, str) or OPERATOR_SCOPE not in scopes.strip("[]").split():
        raise Refused(Refusal(ErrorCode.FORBIDDEN))
    telemetry.note(accountId=None, operatorId=_subject(event.raw_event))


def _claims(event: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    return claims


def _subject(event: dict[str, Any]) -> str | None:
    subject = _claims(event).get("sub")
    return subject if is_account(subject) else None


def _facts_of(event: dict[str, Any]) -> dict[str, str | None]:
    """What an event says of itself; of what a caller wrote, only what is well-formed."""
    named = event.get("pathParameters") or {}
    subscription_id, model_id = named.get("subscriptionId", ""), named.get("modelId")
    return {
        "apiRequestId": event["requestContext"].get("requestId"),
        "accountId": _subject(event),
        "subscriptionId": subscription_id if is_subscription_id(subscription_id) else None,
        "modelId": model_id if is_model_id(model_id) else None,
    }


def idempotency_key_of(event: APIGatewayProxyEventV2) -> str | None:
    """The Idempotency-Key header, None when it was not sent."""
    value = event.headers.get("idempotency-key")
    if value is not None and _IDEMPOTENCY_KEY.fullmatch(value) is None:
        raise invalid("Idempotency-Key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return value


def required_idempotency_key_of(event: APIGatewayProxyEventV2) -> str:
    """The Idempotency-Key header of a call that is not made without."""
    value = idempotency_key_of(event)
    if value is None:
        raise invalid("Idempotency-Key", "Idempotency-Key is required.")
    return value


def json_body_of(event: APIGatewayProxyEventV2) -> object:
    """The JSON body; refuses another content type, too much, and what JSON leaves open."""
    raw = _raw_body(event)
    content_type = event.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _JSON:
        raise invalid("Content-Type", f"Content-Type must be {_JSON}.")
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_members, parse_constant=_no_constant, parse_int=_whole)
        twice = _path_of_twice(value)
        if twice is None:
            json.dumps(value, ensure_ascii=False).encode()  # lone surrogates have no UTF-8
    except (ValueError, RecursionError):
        raise invalid(None, "The body is not valid JSON.") from None
    if twice is not None:
        raise invalid(twice, "The member appears twice.")
    return value


def require_empty_body(event: APIGatewayProxyEventV2) -> None:
    """Refuse any body but none and `{}`."""
    body = json_body_of(event) if _raw_body(event).strip() else {}
    if body != {}:
        field = shown(next(iter(body))) if isinstance(body, dict) else None
        raise invalid(field, "This call takes no body, or {}.")


def answer(body: dict[str, Any], *, replayed: bool = False) -> Response[str]:
    """200 with a JSON body; a repeat carries `Idempotent-Replayed`."""
    telemetry.decided("replayed" if replayed else "ok")
    return _response(HTTPStatus.OK, body, _REPLAYED if replayed else {})


def no_content() -> Response[str]:
    """204: it is done, and there is nothing to show."""
    telemetry.decided("ok")
    return Response(int(HTTPStatus.NO_CONTENT), body="")


def query_of(event: APIGatewayProxyEventV2, *known: str) -> dict[str, str]:
    """The query's parameters by name; refuses those that the call does not know."""
    given: dict[str, str] = event.raw_event.get("queryStringParameters") or {}
    for name in given:
        if name not in known:
            raise invalid(shown(name), "Unknown parameter.")
    return given


def subscribed(outcome: Outcome, status: HTTPStatus) -> Response[str]:
    """A purchase or renewal; a repeat carries `Idempotent-Replayed`, a key is never cached."""
    stored = outcome.subscription
    headers = {"Cache-Control": "no-store", **(_REPLAYED if outcome.replayed else {})}
    if status is HTTPStatus.CREATED:
        headers["Location"] = f"/v1/subscriptions/{stored.id}"
    body = entitlement_answers.subscription(stored, outcome.status, outcome.api_key)
    telemetry.decided("replayed" if outcome.replayed else "ok", subscriptionId=stored.id)
    return _response(status, body, headers)


def _refuse(refusal: Refusal) -> Response[str]:
    telemetry.decided(refusal.code.code)
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    return _response(refusal.code.status, refusal.fields(), headers)


def _response(status: int, body: dict[str, Any], headers: dict[str, Any]) -> Response[str]:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(int(status), content_types.APPLICATION_JSON, text, headers)


def _raw_body(event: APIGatewayProxyEventV2) -> bytes:
    body = event.body or ""
    try:
        raw = b64decode(body, validate=True) if event.is_base64_encoded else body.encode("utf-8", "surrogatepass")
    except ValueError:
        raise invalid(None, "The body is not valid base64.") from None
    if len(raw) > MAX_BODY_BYTES:
        raise invalid(None, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    return raw


class _Twice(dict[str, Any]):
    """An object in which a member appears more than once: `name`."""

    name: str


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    marked = _Twice(members)
    marked.name = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return marked


def _path_of_twice(value: object, path: str = "") -> str | None:
    """Where the first member is that appears twice: `models[1].channelTier`."""
    if isinstance(value, _Twice):
        return member_path(path, value.name)
    if isinstance(value, dict):
        found = (_path_of_twice(inner, member_path(path, name)) for name, inner in value.items())
    elif isinstance(value, list):
        found = (_path_of_twice(inner, f"{path}[{index}]") for index, inner in enumerate(value))
    else:
        return None
    return next((at for at in found if at is not None), None)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _whole(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # thousands of digits: out of every range, refused by the field that holds it
        return math.copysign(math.inf, -1 if digits.startswith("-") else 1)


def page_of(query: Mapping[str, str], listing: Listing) -> Page:
    """The page that a query asks for; raises `invalid_request` naming the parameter."""
    shown = query.get("limit", str(DEFAULT_ENTRIES))
    if not (shown.isascii() and shown.isdecimal() and len(shown) <= len(str(MOST_ENTRIES))) or not (
        1 <= int(shown) <= MOST_ENTRIES
    ):
        raise invalid("limit", f"limit must be a whole number from 1 to {MOST_ENTRIES}.")
    if "cursor" not in query:
        return Page(int(shown), None)
    after = sort_key_of(query["cursor"])
    if listing.sort_key.fullmatch(after) is None:
        raise invalid("cursor", "cursor must be the next of an earlier page.")
    return Page(int(shown), after)


MOST_ENTRIES: Final = 100
DEFAULT_ENTRIES: Final = 20
