"""AuthorizeFunction: the router asks before every request. Rule: parse nothing, decide nothing, hand over."""

from typing import Any

from modelpass.known import Known
from modelpass.router.settle import handle_authorize
from modelpass.runtime import wiring

deps = wiring.deps(signs=True)
known = Known.nothing(deps)


def lambda_handler(event: object, context: Any) -> dict[str, Any]:
    """Answer one authorize."""
    return handle_authorize(deps, known, event, context.aws_request_id)
