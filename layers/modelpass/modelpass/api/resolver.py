"""The resolver that every handler of the HTTP API is built on. Rule: every request is answered, and leaves one line.

It opens the log's line and the trace of a request, calls the handler of the route that API Gateway matched, and answers
whatever the handler raises. No route but that of browsers' preflights is defined here.
"""

from __future__ import annotations

import re
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from modelpass.api import identity, responses, routes, tracing
from modelpass.errors import ErrorCode, Refusal, Refused, internal_error
from modelpass.ids import is_model_id, is_subscription_id, may_be_logged
from modelpass.runtime import telemetry

_NO_SUCH_ROUTE: Final = Refusal(ErrorCode.NOT_FOUND, message="There is no such route.")


def resolver(command: str) -> APIGatewayHttpResolver:
    """A resolver for the routes of one function, whose lines in the log name this command.

    It answers `Refused` in the envelope, an unknown route with 404, and every other failure with 500 `internal_error`,
    which tells nothing but the request id.
    """
    app = _Resolver(command)

    def on_refusal(error: Refused) -> Response[str]:
        return responses.refuse(error.refusal)

    def on_surprise(error: Exception) -> Response[str]:
        request_id = app.current_event.request_context.request_id
        telemetry.report_unexpected(error)
        return responses.refuse(internal_error(request_id))

    app.exception_handler(Refused)(on_refusal)
    app.exception_handler(Exception)(on_surprise)

    @app.not_found
    def on_unknown_route(_: Exception) -> Response[str]:
        return responses.refuse(_NO_SUCH_ROUTE)

    return app


def answer_preflights(app: APIGatewayHttpResolver) -> None:
    """Answer the preflight that a browser sends before its call: with 204, because it takes only a 2xx.

    Any other OPTIONS request is an unknown route.
    """

    @app.route("/.*", method=["OPTIONS"])
    def preflight() -> Response[str]:
        headers = app.current_event.headers
        if "origin" not in headers or "access-control-request-method" not in headers:
            raise Refused(_NO_SUCH_ROUTE)
        telemetry.note(command="preflight")
        return responses.no_content()


class _Resolver(APIGatewayHttpResolver):
    """Powertools' resolver, which looks up the route that API Gateway matched; with a line in the log and a trace."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self._command = command

    def resolve(self, event: dict[str, Any], context: Any) -> dict[str, Any]:  # type: ignore[override]
        line = telemetry.Line(self._command, context.aws_request_id)
        with line:
            call = routes.call_of(event, (routes.Rule(route.method, route.path) for route in self._dynamic_routes))
            telemetry.note(**_facts_of(call.event))
            with tracing.span(f"## {self._command}") as span:
                answer = responses.placed(super().resolve(call.event, context), call.prefix)
                span.record(answer["statusCode"], {**line.facts, "decision": line.decision})
            return answer

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "^{}$") -> re.Pattern[str]:
        """Let a variable of a path match any segment: `routes` has encoded it, and a command says what it may be.

        Powertools' own pattern matches some characters only, and would answer 404 to all others.
        """
        return re.compile(base_regex.format(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", rule)))

    def _convert_matches_into_route_keys(self, match: re.Match[str]) -> dict[str, str]:
        """Hand the variables to the handler as text."""
        return {name: routes.decoded(value) for name, value in match.groupdict().items()}


def _facts_of(event: dict[str, Any]) -> dict[str, str | None]:
    """The fields of the line that the event gives; of what a caller wrote, only what is well-formed."""
    named = event.get("pathParameters") or {}
    subscription_id, model_id = named.get("subscriptionId", ""), named.get("modelId")
    return {
        "apiRequestId": event["requestContext"].get("requestId"),
        "accountId": identity.caller_of(event),
        "subscriptionId": subscription_id if is_subscription_id(subscription_id) else None,
        "modelId": model_id if is_model_id(model_id) and may_be_logged(model_id) else None,
    }
