"""NotFoundFunction: every route and method the API does not have. Rule: touches nothing, needs no permission."""

from typing import Any

from modelpass import http

app = http.resolver("not_found")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer 404 in the envelope."""
    return app.resolve(event, context)
