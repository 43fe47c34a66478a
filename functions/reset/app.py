"""ResetFunction: the schedule's housekeeping. Rule: stops by itself well before its time is over."""

from typing import Any

from modelpass.runtime import telemetry, wiring
from modelpass.schedule.reset import reset

deps = wiring.deps()


def lambda_handler(_: object, context: Any) -> dict[str, Any]:
    """Roll windows, note expiries, release holds; tell what was done and whether more is left."""
    stop_at = deps.time_to_stop(context.get_remaining_time_in_millis())
    with telemetry.Line("reset", context.aws_request_id):
        result = reset(deps, stop_at)
        telemetry.decided("more" if result["more"] else "ok", **result)
    return result
