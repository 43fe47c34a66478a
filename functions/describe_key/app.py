"""DescribeKeyFunction: the router asks what a key is good for. Rule: hand the event over to the door."""

from typing import Any

from modelpass.router.describe_key import handle_describe_key
from modelpass.runtime import wiring

deps = wiring.deps(signs=True)


def lambda_handler(event: object, context: Any) -> dict[str, Any]:
    """Answer one question about a key."""
    return handle_describe_key(deps, event, context.aws_request_id)
