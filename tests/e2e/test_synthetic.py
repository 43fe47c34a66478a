"""The synthetic customer on a running stack, switched on by its parameter: what it does and says, and who it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import stack as support
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.stack import Stack

SCHEDULE = "/_local/schedule/SyntheticFunction"
ON = f"SyntheticCustomer=Enabled SyntheticModel={TEXT_MODEL} SyntheticTier=stable AccountClaim=org_id"


@pytest.fixture(scope="module")
def watched(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with a synthetic customer, whose clock stands still."""
    data = str(tmp_path_factory.mktemp("watched"))
    with support.running(AWS_ENDPOINT_URL_DYNAMODB=engine, DATA=data, PARAMETERS=ON) as running:
        running.move_clock(advanceSeconds=0)
        yield running
        assert running.end() == (0, "")


def minute(stack: Stack) -> Any:
    answer = stack.send("POST", SCHEDULE)
    assert answer.status == 200, answer
    return answer.json


def test_customer_is_served_each_minute_and_tells_when_its_tier_is_down(watched: Stack) -> None:
    assert [minute(watched), minute(watched)] == [{"succeeded": True}] * 2
    path = f"/v1/models/{TEXT_MODEL}/tiers/stable/availability"
    for available in (False, True):
        token = support.jwt_of("op", scope="operator")
        body = json.dumps({"available": available, "reason": "to be seen"}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        assert watched.send("PUT", path, body, headers).status in (200, 204)
        told = {"succeeded": True} if available else DOWN
        assert within_seconds(watched, told)


DOWN = {"succeeded": False, "step": "authorize", "answered": "tier_unavailable"}


def within_seconds(stack: Stack, told: Any) -> bool:
    """Whether the customer is told so in the end: what is down is known everywhere within seconds."""
    return any(minute(stack) == told for _ in range(3000))


def test_customer_is_not_there_by_default(stack: Stack) -> None:
    assert stack.send("POST", SCHEDULE).status == 404


def test_customer_that_is_told_of_no_model_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="needs SyntheticModel"),
        support.running(DATA=str(tmp_path), PARAMETERS="SyntheticCustomer=Enabled"),
    ):
        pass
