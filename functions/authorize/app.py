"""AuthorizeFunction: the router asks before every request. Rule: hand the event over to the door."""

from typing import Any

from modelpass.entitlements.commands.authorize import Caches
from modelpass.router.authorize import handle_authorize
from modelpass.runtime import wiring

deps = wiring.deps(signs=True)
caches = Caches.empty(deps)


def lambda_handler(event: object, context: Any) -> dict[str, Any]:
    """Answer one authorize."""
    return handle_authorize(deps, caches, event, context.aws_request_id)
