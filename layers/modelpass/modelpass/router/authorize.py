"""The router's door to authorize: turns a Lambda Invoke payload into a command, and its outcome into an answer.

Rule: nothing is decided here, and nothing ends as a Lambda error. Whatever was sent and whatever fails, the router gets
an answer that it can pass on; a refusal is a normal result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from modelpass.entitlements.answers import decision_of, refused
from modelpass.entitlements.commands.authorize import AuthorizeRequest, Row, authorize
from modelpass.entitlements.model import DEFAULT_HOLD_SECONDS
from modelpass.errors import Refused, internal_error, invalid
from modelpass.ids import MODEL_ID, MODEL_ID_RULE, may_be_logged
from modelpass.router.row import explain_missing, read_contract
from modelpass.router.validation import (
    SECONDS,
    SOME_CALLS,
    UNITS,
    known_fields,
    matches,
    matching,
    optional,
    required,
    text,
    tier_named,
    true_or_false,
)
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from modelpass.entitlements.answers import Json
    from modelpass.entitlements.commands.authorize import Caches
    from modelpass.runtime.deps import Deps

_FIELDS: Final = frozenset(
    {
        "apiKey",
        "modelId",
        "requestId",
        "attempt",
        "estimatedUsage",
        "minimumUsage",
        "unitFree",
        "calls",
        "channelTier",
        "holdSeconds",
    },
)
_ROW: Final = Row(explain_missing, read_contract)
_TOKEN: Final = re.compile(r"[!-~]{1,128}")
_token: Final = matching(_TOKEN, "1 to 128 visible ASCII characters")
_model_id: Final = matching(MODEL_ID, MODEL_ID_RULE)


def handle_authorize(deps: Deps, caches: Caches, event: object, function_request_id: str) -> Json:
    """Answer one authorize, whatever was sent and whatever fails; it raises nothing, and leaves one line in the log."""
    done = "granted"
    with telemetry.Line("authorize", function_request_id, **line_facts_of(event)):
        try:
            answer, repeated = authorize(deps, caches, request_of(event), _ROW)
            done = "replayed" if repeated else "granted"
        except Refused as refusal:
            answer = refused(refusal.refusal, None, 0)
        except Exception as error:  # the caller still gets an answer; the log says where it failed
            telemetry.report_unexpected(error)
            answer = refused(internal_error(function_request_id), None, 0)
        telemetry.decided(decision_of(answer, done))
    return answer


def request_of(event: object) -> AuthorizeRequest:
    """Check an authorize payload; raises `invalid_request` naming the first field at fault."""
    fields = known_fields(event, _FIELDS)
    request = AuthorizeRequest(
        api_key=text("apiKey", required(fields, "apiKey")),
        model_id=_model_id("modelId", required(fields, "modelId")),
        request_id=_token("requestId", required(fields, "requestId")),
        units=UNITS("estimatedUsage", required(fields, "estimatedUsage")),
        calls=optional(fields, "calls", SOME_CALLS, 1),
        tier=optional(fields, "channelTier", tier_named, None),
        hold_seconds=optional(fields, "holdSeconds", SECONDS, DEFAULT_HOLD_SECONDS),
        attempt=optional(fields, "attempt", _token, None),
        unit_free=optional(fields, "unitFree", true_or_false, default=False),
        minimum=optional(fields, "minimumUsage", UNITS, None),
    )
    if request.unit_free and request.units:
        raise invalid("unitFree", "unitFree is for calls whose estimatedUsage is 0.")
    if request.minimum is not None and request.minimum > request.units:
        raise invalid("minimumUsage", "minimumUsage must be at most estimatedUsage.")
    return request


def line_facts_of(event: object) -> dict[str, str]:
    """The fields of the log's line that the payload gives: `requestId` and `modelId`.

    Each is there only if it is well-formed and does not look like a secret.
    """
    fields = event if isinstance(event, dict) else {}
    patterns = {"requestId": _TOKEN, "modelId": MODEL_ID}
    named = {name: fields[name] for name, pattern in patterns.items() if matches(pattern, fields.get(name))}
    return {name: value for name, value in named.items() if may_be_logged(value)}
