"""What a router asks, as the service wants it, and what its answers mean. Rule: pure; only ids come from chance."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from modelpass_client.errors import Refused
from modelpass_client.reports import whole

Json = dict[str, Any]

_PASSING: Final = frozenset({"temporarily_unavailable", "internal_error"})
_ERROR: Final = frozenset({"code", "message", "type"})
_GRANTED: Final = frozenset(
    {
        "authorizationId",
        "accountId",
        "subscriptionId",
        "modelId",
        "channelTier",
        "unit",
        "heldUsage",
        "daily",
        "monthly",
    }
)
"""What every grant tells."""


@dataclass(frozen=True)
class Asked:
    """One request that a router wants to make."""

    key: str
    model: str
    estimate: int
    minimum: int | None = None
    tier: str | None = None
    calls: int = 1
    hold_seconds: int | None = None
    unit_free: bool = False
    request_id: str | None = None
    prompt_units: int | None = None

    def payload(self, hold_seconds: int) -> Json:
        """The payload of authorize, under a new attempt; `hold_seconds` where the request names none."""
        payload: Json = {
            "apiKey": self.key,
            "modelId": self.model,
            "requestId": uuid.uuid4().hex if self.request_id is None else self.request_id,
            "attempt": uuid.uuid4().hex,
            "estimatedUsage": self.estimate,
            "calls": self.calls,
            "holdSeconds": hold_seconds if self.hold_seconds is None else self.hold_seconds,
        }
        optional = {"minimumUsage": self.minimum, "channelTier": self.tier, "unitFree": self.unit_free or None}
        return payload | {name: value for name, value in optional.items() if value is not None}

    def check(self) -> None:
        """Refuse what an older service, which does not know the field, could not refuse."""
        if self.minimum is None or not whole(self.estimate):  # which every service refuses by itself
            return
        if not whole(self.minimum, self.estimate):
            raise refusal(
                400, "invalid_request", "minimumUsage must be a whole number from 0 to estimatedUsage.", "minimumUsage"
            )


def is_decided(answer: Json) -> bool:
    """Whether an answer of authorize is a decision; other answers may hide a grant, and only a repeat can tell."""
    if answer.get("allowed") is True:
        return answer.keys() >= _GRANTED
    return answer.get("allowed") is False and is_refusal(answer) and answer["error"]["code"] not in _PASSING


def is_refusal(answer: Json) -> bool:
    """Whether an answer has the form of a refusal."""
    error = answer.get("error")
    return isinstance(error, dict) and error.keys() >= _ERROR and isinstance(answer.get("statusCode"), int)


def refusal(status: int, code: str, message: str, param: str | None = None) -> Refused:
    """A refusal that the client decides, in the form of the service's."""
    kinds = {400: "invalid_request_error", 409: "conflict_error"}
    error = {"message": message, "type": kinds[status], "code": code, "param": param}
    return Refused({"allowed": False, "statusCode": status, "error": error})
