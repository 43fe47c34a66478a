"""Nothing is granted unless the service granted it, and what was granted is reported."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from modelpass_client.client import Client
from modelpass_client.errors import Refused
from modelpass_client.policies import Policies
from tests.client.core.backends import LOST, MONTHLY, UNAVAILABLE, Clock, Scripted, granted, refusal

KEY = "sk-custom-x"


def client_of(backend: Scripted, clock: Clock | None = None, **policies: Any) -> Client:
    clock = clock or Clock()
    return Client(backend, policies=Policies(settle_threads=0, **policies), clock=clock, sleep=clock.sleep)


def settled(client: Client, backend: Scripted) -> list[dict[str, Any]]:
    """What the backend was told, once everything is."""
    assert client.flush(10)
    return backend.settled


def test_request_asks_with_fresh_ids_and_settles_what_was_used() -> None:
    backend = Scripted()
    client = client_of(backend)
    for _ in range(2):
        with client.request(KEY, "m", estimate=100, minimum=40, tier="stable", prompt_units=7) as grant:
            grant.used(60, served_tier="stable")
    first, second = backend.asked
    assert first == {
        "apiKey": KEY,
        "modelId": "m",
        "requestId": first["requestId"],
        "attempt": first["attempt"],
        "estimatedUsage": 100,
        "minimumUsage": 40,
        "channelTier": "stable",
        "calls": 1,
        "holdSeconds": 900,
    }
    assert len({first["requestId"], first["attempt"], second["requestId"], second["attempt"]}) == 4
    reported = {"actualUsage": 60, "usageSource": "reported", "servedTier": "stable"}
    assert settled(client, backend) == [{"authorizationId": f"id-{n}", **reported} for n in (1, 2)]


def test_failure_before_output_gives_units_and_calls_back() -> None:
    backend = Scripted()
    client = client_of(backend)
    with pytest.raises(ZeroDivisionError), client.request(KEY, "m", estimate=100):
        raise ZeroDivisionError
    (report,) = settled(client, backend)
    assert (report["actualUsage"], report["calls"]) == (0, 0)


def test_lost_replies_are_asked_again_with_the_same_ids() -> None:
    backend = Scripted(LOST, LOST, UNAVAILABLE, granted(held=100))
    grant = client_of(backend).authorize(KEY, "m", 100)
    assert grant.held_units == 100
    assert len(backend.asked) == 4
    assert all(payload == backend.asked[0] for payload in backend.asked)


NO_ANSWERS: list[Any] = [
    LOST,
    UNAVAILABLE,
    RuntimeError("?"),
    {},
    {"allowed": "yes"},
    {"allowed": True, "authorizationId": "id"},
    {"allowed": False, "error": {"code": "invalid_api_key"}},
    {"allowed": False, "statusCode": 401, "error": "invalid_api_key"},
    None,
    [],
]


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_a_service_that_cannot_be_asked_refuses_within_the_bound(answer: Any) -> None:
    backend, clock = Scripted(*[answer] * 100), Clock()
    began = clock.now
    with pytest.raises(Refused) as refused:
        client_of(backend, clock, authorize_seconds=5).authorize(KEY, "m", 100)
    assert (refused.value.status, refused.value.code) == (503, "temporarily_unavailable")
    assert refused.value.retry_after == 1
    assert 1 < len(backend.asked) < 100
    assert clock.now - began <= 5


def test_refusal_is_passed_at_once() -> None:
    backend = Scripted(refusal("request_in_progress", 409))
    with pytest.raises(Refused) as refused:
        client_of(backend).authorize(KEY, "m", 100)
    assert refused.value.code == "request_in_progress"
    assert len(backend.asked) == 1


def test_refusal_of_a_model_that_was_granted_before_names_its_unit() -> None:
    backend = Scripted(granted(), refusal("monthly_cap_reached", 429, monthly=MONTHLY))
    client = client_of(backend)
    client.authorize(KEY, "m", 100)
    with pytest.raises(Refused) as refused:
        client.authorize(KEY, "m", 100)
    assert refused.value.answer["unit"] == "tokens"


def test_times_of_a_grant_count_from_sending() -> None:
    clock = Clock()

    def slow(_: Any) -> Any:
        clock.now += 3
        return granted(startWithinMs=2500)

    client = client_of(Scripted(LOST, slow), clock)
    began = clock.now
    grant = client.authorize(KEY, "m", 100, hold_seconds=60)
    assert began + 2.5 < grant.start_before < began + 3  # the pause after the lost reply lies before it
    assert grant.expires_at == began + 60  # as early as the first request may have been granted
    assert not grant.may_start()


def test_a_hold_that_is_shorter_than_the_time_to_start_bounds_it() -> None:
    clock = Clock()
    grant = client_of(Scripted(granted(startWithinMs=4000)), clock).authorize(KEY, "m", 1, hold_seconds=2)
    assert grant.start_before == grant.expires_at == clock.now + 2


# An older service


def older(*known: str) -> Any:
    """A service that refuses every field beside these by its name."""

    def answer(payload: Any) -> Any:
        for name in payload:
            if name not in known:
                return refusal("invalid_request", 400, name)
        return granted() if "apiKey" in payload else {"settled": True}

    return answer


OLD_AUTHORIZE = ("apiKey", "modelId", "requestId", "estimatedUsage", "calls", "holdSeconds", "channelTier")


def test_an_older_service_is_asked_without_what_it_does_not_know(caplog: pytest.LogCaptureFixture) -> None:
    backend = Scripted(*[older(*OLD_AUTHORIZE)] * 4)
    client = client_of(backend)
    with caplog.at_level(logging.WARNING, "modelpass_client"):
        for _ in range(2):
            client.authorize(KEY, "m", 100, minimum=10)
    assert [sorted({"attempt", "minimumUsage"} & set(payload)) for payload in backend.asked] == [
        ["attempt", "minimumUsage"],
        ["minimumUsage"],
        [],
        [],
    ]
    assert [record.args for record in caplog.records] == [("attempt",), ("minimumUsage",)]


def test_a_replay_under_an_own_id_is_the_grant_and_under_a_given_one_is_refused() -> None:
    replayed = granted(replayed=True)
    assert client_of(Scripted(LOST, replayed)).authorize(KEY, "m", 1).held_units == 4000
    with pytest.raises(Refused) as refused:
        client_of(Scripted(LOST, replayed)).authorize(KEY, "m", 1, request_id="mine")
    assert (refused.value.status, refused.value.code) == (409, "request_in_progress")


@pytest.mark.parametrize("minimum", [11, -1, True, 1.0, "5"])
def test_a_minimum_that_cannot_be_is_refused_without_asking(minimum: Any) -> None:
    backend = Scripted()
    with pytest.raises(Refused) as refused:
        client_of(backend).authorize(KEY, "m", 10, minimum=minimum)
    assert (refused.value.status, refused.value.param) == (400, "minimumUsage")
    assert backend.asked == []


def test_an_estimate_that_cannot_be_is_left_to_the_service_to_refuse() -> None:
    estimate: Any = "10"
    backend = Scripted(refusal("invalid_request", 400, "estimatedUsage"))
    with pytest.raises(Refused) as refused:
        client_of(backend).authorize(KEY, "m", estimate, minimum=1)
    assert refused.value.param == "estimatedUsage"


# What nobody reports


def test_a_forgotten_grant_is_booked_as_its_estimate_before_its_hold_ends() -> None:
    backend, clock = Scripted(), Clock()
    client = client_of(backend, clock, hold_seconds=60, lost_usage_seconds=10)
    client.authorize(KEY, "m", 100)
    clock.now += 48
    client.watch.tick()
    assert client.settler.idle
    clock.now += 2
    client.watch.tick()
    assert settled(client, backend) == [{"authorizationId": "id-1", "actualUsage": 100, "usageSource": "estimated"}]
    client.watch.tick()
    assert len(backend.settled) == 1


def test_a_hold_shorter_than_the_margin_is_not_lost_at_once() -> None:
    clock = Clock()
    client = client_of(Scripted(), clock, lost_usage_seconds=10)
    grant = client.authorize(KEY, "m", 100, hold_seconds=8)
    clock.now += 2
    client.watch.tick()
    assert not grant.claimed
    clock.now += 3
    client.watch.tick()
    assert grant.claimed


def test_closing_books_open_grants_and_grants_nothing_more() -> None:
    backend = Scripted()
    client = client_of(backend)
    with client:
        client.authorize(KEY, "m", 100).delivered(3)
    assert backend.settled == [{"authorizationId": "id-1", "actualUsage": 3, "usageSource": "counted"}]
    assert backend.closed
    with pytest.raises(Refused):
        client.authorize(KEY, "m", 100)


def test_cancelled_request_books_the_prompt() -> None:
    backend = Scripted()
    client = client_of(backend)
    with (
        pytest.raises(asyncio.CancelledError),
        client.request(KEY, "m", estimate=100, prompt_units=12),
    ):
        raise asyncio.CancelledError
    assert settled(client, backend)[0]["actualUsage"] == 12


def test_backlog_that_memory_alone_holds_stops_granting_without_asking() -> None:
    backend = Scripted()
    client = client_of(backend, most_waiting=2)
    for grant in [client.authorize(KEY, "m", 1), client.authorize(KEY, "m", 1)]:
        grant.void()
    with pytest.raises(Refused) as refused:
        client.authorize(KEY, "m", 1)
    assert refused.value.code == "temporarily_unavailable"
    assert len(backend.asked) == 2
    assert client.flush(10)
    client.authorize(KEY, "m", 1).void()


def test_what_a_key_may_use_is_told_or_refused() -> None:
    nonsense: Any = []
    client = client_of(
        Scripted({"status": "active"}, refusal("invalid_api_key", 401), LOST, RuntimeError("?"), nonsense)
    )
    assert client.describe_key(KEY) == {"status": "active"}
    for code in ("invalid_api_key", *["temporarily_unavailable"] * 3):
        with pytest.raises(Refused) as refused:
            client.describe_key(KEY)
        assert refused.value.code == code
