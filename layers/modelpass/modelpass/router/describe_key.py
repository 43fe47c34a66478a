"""The router's door to what a key is good for: turns a Lambda Invoke payload into a question, and it into an answer.

Rule: nothing is decided or written here, and nothing ends as a Lambda error. A refusal has the shape of authorize's, so
that a router passes on both by the same code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass.entitlements.answers import decision_of, refused
from modelpass.errors import Refused, internal_error
from modelpass.router.validation import known_fields, required, text
from modelpass.runtime import telemetry
from modelpass.subscriptions.commands.describe_key import describe_key

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json

_FIELDS: Final = frozenset({"apiKey"})


def handle_describe_key(deps: Deps, event: object, function_request_id: str) -> Json:
    """Answer one question, whatever was sent and whatever fails; it raises nothing, and leaves one line in the log."""
    with telemetry.Line("describe_key", function_request_id):
        try:
            answer = describe_key(deps, request_of(event))
        except Refused as refusal:
            answer = refused(refusal.refusal, None, 0)
        except Exception as error:  # the caller still gets an answer; the log says where it failed
            telemetry.report_unexpected(error)
            answer = refused(internal_error(function_request_id), None, 0)
        telemetry.decided(decision_of(answer, "described"))
    return answer


def request_of(event: object) -> str:
    """The text that a payload gives as `apiKey`; raises `invalid_request` naming the first field at fault."""
    return text("apiKey", required(known_fields(event, _FIELDS), "apiKey"))
