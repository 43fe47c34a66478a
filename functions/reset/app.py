"""ResetFunction: the schedule's housekeeping. Rule: stop well before Lambda would; hand the work over to the door."""

from typing import Any

from modelpass.runtime import telemetry, wiring
from modelpass.schedule.reset import reset

deps = wiring.deps()


def lambda_handler(_: object, context: Any) -> dict[str, Any]:
    """Close windows, note expiries and give back holds; answer what was done, and whether more is left."""
    stop_at = deps.time_to_stop(context.get_remaining_time_in_millis())
    with telemetry.Line("reset", context.aws_request_id):
        result = reset(deps, stop_at)
        telemetry.decided("more" if result["more"] else "ok", **result)
    return result
