"""Outcomes and refusals as HTTP responses. Rule: status, headers and JSON text only; bodies come from the wings.

Each response also sets the decision in the log's line, so that the log says what the caller was told. Every refusal
has the same envelope.
"""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.event_handler import Response, content_types

from modelpass.api import tags
from modelpass.runtime import telemetry
from modelpass.subscriptions import answers as subscription_answers
from modelpass.subscriptions.order_records import OrderStatus

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

    from modelpass.errors import Refusal
    from modelpass.subscriptions.answers import Outcome, PlanOutcome

HELD_BY: Final = "Modelpass-Held-By"
"""The header that says what holds an account's place, where news of a plan has changed nothing."""
_TAG_DIGITS: Final = 32
"""128 bits of a digest: two bodies of a deployment never have them in common."""
_LOCATION: Final = "Location"
_REPLAYED: Final = {"Idempotent-Replayed": "true"}


def answer(body: dict[str, Any], *, replayed: bool = False, tag: str | None = None) -> Response[str]:
    """200 with a JSON body; a repeat carries the header `Idempotent-Replayed`, what has a tag the header `ETag`."""
    telemetry.decided("replayed" if replayed else "ok")
    headers = {**(_REPLAYED if replayed else {}), **({} if tag is None else _tagged(tag))}
    return _response(HTTPStatus.OK, body, headers)


def kept(event: APIGatewayProxyEventV2, body: dict[str, Any], cache_control: str) -> Response[str]:
    """200 with a JSON body and its `ETag`, or 304 without it for a caller that has it; caches are told what they may.

    The tag is strong: it is the digest of the body, so that equal tags are equal bodies.
    """
    response = answer(body)
    tag = hashlib.sha256((response.body or "").encode()).hexdigest()[:_TAG_DIGITS]
    headers = {**_tagged(tag), "Cache-Control": cache_control}
    if tags.is_known(event, tag):
        return Response(int(HTTPStatus.NOT_MODIFIED), body="", headers=headers)
    response.headers.update(headers)
    return response


def no_content(headers: dict[str, Any] | None = None) -> Response[str]:
    """204: the call is done, and there is nothing to show but perhaps a header."""
    telemetry.decided("ok")
    return Response(int(HTTPStatus.NO_CONTENT), body="", headers=headers)


def plan(account_id: str, told: PlanOutcome) -> Response[str]:
    """200 with the plan that holds an account's place; with the header `HELD_BY` where the news was not applied."""
    telemetry.decided("ok")
    headers = {} if told.applied else _held_by(told)
    return _response(HTTPStatus.OK, subscription_answers.plan(account_id, told), headers)


def plan_ended(told: PlanOutcome) -> Response[str]:
    """204, with the header `HELD_BY` where something holds the account's place all the same."""
    return no_content(_held_by(told))


def subscription_outcome(outcome: Outcome, status: HTTPStatus) -> Response[str]:
    """The subscription of a sale or a new key, with 200 or 201, or with 202 while its order waits.

    No cache may store it, for it may show a key. A repeat carries the header `Idempotent-Replayed`, and 201 carries
    `Location`, which `placed` completes.
    """
    stored = outcome.subscription
    headers = {"Cache-Control": "no-store", **(_REPLAYED if outcome.replayed else {})}
    if status is HTTPStatus.CREATED:
        headers[_LOCATION] = f"/v1/subscriptions/{stored.id}"
    if outcome.order is not None and outcome.order.status(outcome.now_ms) is OrderStatus.PENDING:
        status = HTTPStatus.ACCEPTED
    body = subscription_answers.outcome(outcome)
    telemetry.decided("replayed" if outcome.replayed else "ok", subscriptionId=stored.id)
    return _response(status, body, headers)


def refuse(refusal: Refusal) -> Response[str]:
    """A refusal in the envelope, with the header `Retry-After` (seconds) where a later try can succeed."""
    telemetry.decided(refusal.code.code)
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    return _response(refusal.code.status, refusal.fields(), headers)


def _tagged(tag: str) -> dict[str, Any]:
    return {"ETag": f'"{tag}"'}


def _held_by(told: PlanOutcome) -> dict[str, Any]:
    return {} if told.held_by is None else {HELD_BY: told.held_by}


def placed(answer: dict[str, Any], prefix: str) -> dict[str, Any]:
    """An answer whose `Location`, if it has one, is behind the prefix of the paths that the caller uses."""
    headers = answer["headers"]
    if prefix and _LOCATION in headers:
        return {**answer, "headers": {**headers, _LOCATION: prefix + headers[_LOCATION]}}
    return answer


def _response(status: int, body: dict[str, Any], headers: dict[str, Any]) -> Response[str]:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(int(status), content_types.APPLICATION_JSON, text, headers)
