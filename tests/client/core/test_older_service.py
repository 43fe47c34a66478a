"""A service of before is asked in its own words: it refuses by name whatever it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.entitlements import answers
from modelpass.errors import Refused as ServiceRefused
from modelpass.router.validation import known_fields
from modelpass_client.client import Client
from modelpass_client.policies import Policies
from tests.client.core.backends import Scripted, granted

Json = dict[str, Any]

AUTHORIZE = frozenset(
    {"apiKey", "modelId", "requestId", "estimatedUsage", "calls", "channelTier", "holdSeconds", "unitFree"}
)
SETTLE = frozenset({"authorizationId", "actualUsage", "calls", "servedTier"})


class OlderService(Scripted):
    """Refuses unknown fields by the service's own check, and forms the answer by the service's own code."""

    def __init__(self, *later: str) -> None:
        super().__init__()
        self._later = frozenset(later)
        self.granted: list[Json] = []
        self.booked: list[Json] = []

    def authorize(self, payload: Json) -> Json:
        self.asked.append(payload)
        return self._refusal(payload, AUTHORIZE) or self._grant(payload)

    def settle(self, payload: Json) -> Json:
        self.settled.append(payload)
        refused = self._refusal(payload, SETTLE)
        if refused is None:
            self.booked.append(payload)
        return refused or {"settled": True}

    def _grant(self, payload: Json) -> Json:
        self.granted.append(payload)
        return granted(len(self.granted), payload["estimatedUsage"])

    def _refusal(self, payload: Json, known: frozenset[str]) -> Json | None:
        try:
            known_fields(payload, known | self._later)
        except ServiceRefused as refused:
            return {"settled": False, **answers.refused(refused.refusal, None, 0)}
        return None


@pytest.mark.parametrize("later", [(), ("attempt",), ("minimumUsage",), ("usageSource",), ("attempt", "usageSource")])
def test_each_request_is_granted_and_booked_once_and_refused_words_are_said_once(later: tuple[str, ...]) -> None:
    service = OlderService(*later)
    client = Client(service, policies=Policies(settle_threads=0))
    for units in (1, 2, 3):
        with client.request("key", "m", estimate=100, minimum=10) as grant:
            grant.used(units, source="counted")
        assert client.flush(10)
    assert [payload["actualUsage"] for payload in service.booked] == [1, 2, 3]
    assert len(service.granted) == 3
    unknown = {"attempt", "minimumUsage", "usageSource"} - set(later)
    assert len(service.asked) + len(service.settled) == 6 + len(unknown)
    for name in set(later) & {"attempt", "minimumUsage"}:
        assert all(name in payload for payload in service.granted)
    client.close()
