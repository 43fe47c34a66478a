"""Events of API Gateway, as small as what reads them allows. Rule: a part that a test does not name is left out."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2


def event_of(body: str | None = None, *, base64: bool = False, claims: Any = None, **headers: str) -> Any:
    """A minimal event of API Gateway's payload format 2.0, whose header names are lower case."""
    event: dict[str, Any] = {
        "version": "2.0",
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {"authorizer": {"jwt": {"claims": claims}}} if claims is not None else {},
        "isBase64Encoded": base64,
    }
    if body is not None:
        event["body"] = body
    return APIGatewayProxyEventV2(event)
