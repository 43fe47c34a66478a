"""Routes of the HTTP API by Powertools. Rule: every event is answered, and has one line in the log."""

from __future__ import annotations

import re
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from modelpass.api import tracing
from modelpass.api.identity import subject_of
from modelpass.api.responses import no_content, refuse
from modelpass.errors import ErrorCode, Refusal, Refused, internal_error
from modelpass.ids import is_model_id, is_subscription_id
from modelpass.runtime import telemetry

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
        return refuse(error.refusal)

    def on_surprise(error: Exception) -> Response[str]:
        request_id = app.current_event.request_context.request_id
        telemetry.surprised(error)
        return refuse(internal_error(request_id))

    app.exception_handler(Refused)(on_refusal)
    app.exception_handler(Exception)(on_surprise)

    @app.not_found
    def on_unknown_route(_: Exception) -> Response[str]:
        return refuse(_NO_SUCH_ROUTE)

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


def _facts_of(event: dict[str, Any]) -> dict[str, str | None]:
    """What an event says of itself; of what a caller wrote, only what is well-formed."""
    named = event.get("pathParameters") or {}
    subscription_id, model_id = named.get("subscriptionId", ""), named.get("modelId")
    return {
        "apiRequestId": event["requestContext"].get("requestId"),
        "accountId": subject_of(event),
        "subscriptionId": subscription_id if is_subscription_id(subscription_id) else None,
        "modelId": model_id if is_model_id(model_id) else None,
    }
