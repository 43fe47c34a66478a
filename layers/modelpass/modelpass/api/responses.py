"""Outcomes and refusals as HTTP responses. Rule: every refusal has the one envelope; the log says the same."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.event_handler import Response, content_types

from modelpass.runtime import telemetry
from modelpass.subscriptions import answers as subscription_answers

if TYPE_CHECKING:
    from modelpass.errors import Refusal
    from modelpass.subscriptions.answers import Outcome

_REPLAYED: Final = {"Idempotent-Replayed": "true"}


def answer(body: dict[str, Any], *, replayed: bool = False) -> Response[str]:
    """200 with a JSON body; a repeat carries `Idempotent-Replayed`."""
    telemetry.decided("replayed" if replayed else "ok")
    return _response(HTTPStatus.OK, body, _REPLAYED if replayed else {})


def no_content() -> Response[str]:
    """204: it is done, and there is nothing to show."""
    telemetry.decided("ok")
    return Response(int(HTTPStatus.NO_CONTENT), body="")


def subscribed(outcome: Outcome, status: HTTPStatus) -> Response[str]:
    """A purchase or renewal; a repeat carries `Idempotent-Replayed`, a key is never cached."""
    stored = outcome.subscription
    headers = {"Cache-Control": "no-store", **(_REPLAYED if outcome.replayed else {})}
    if status is HTTPStatus.CREATED:
        headers["Location"] = f"/v1/subscriptions/{stored.id}"
    body = subscription_answers.subscription(stored, outcome.status, outcome.api_key)
    telemetry.decided("replayed" if outcome.replayed else "ok", subscriptionId=stored.id)
    return _response(status, body, headers)


def refuse(refusal: Refusal) -> Response[str]:
    """A refusal in the envelope, with `Retry-After` where coming back can help."""
    telemetry.decided(refusal.code.code)
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    return _response(refusal.code.status, refusal.fields(), headers)


def _response(status: int, body: dict[str, Any], headers: dict[str, Any]) -> Response[str]:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(int(status), content_types.APPLICATION_JSON, text, headers)
