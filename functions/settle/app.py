"""SettleFunction: the router reports what a request used. Rule: hand the event over to the door."""

from typing import Any

from modelpass.router.settle import TiersOnce, handle_settle
from modelpass.runtime import wiring

deps = wiring.deps(signs=True)
tiers = TiersOnce(deps)


def lambda_handler(event: object, context: Any) -> dict[str, Any]:
    """Answer one settle, or a batch of them from a queue."""
    stop_at = deps.time_to_stop(context.get_remaining_time_in_millis())
    return handle_settle(deps, tiers, event, context.aws_request_id, stop_at)
