"""A grant is reported exactly once, as what is known of the request, whoever ends it."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.errors import ConfigurationError
from modelpass_client.grant import Grant
from modelpass_client.policies import Policies
from modelpass_client.reports import VOID, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER: dict[str, Any] = {
    "allowed": True,
    "authorizationId": "id-1",
    "accountId": "acct",
    "subscriptionId": "sub_1",
    "modelId": "m",
    "channelTier": "stable",
    "unit": "tokens",
    "heldUsage": 4000,
    "daily": {"limit": 50, "used": 4, "remaining": 46, "resetsAt": "2026-11-28T00:00:00Z"},
    "monthly": {
        "limit": 5000,
        "used": 1,
        "held": 4000,
        "remaining": 999,
        "overrun": 0,
        "resetsAt": "2026-12-23T00:00:00Z",
    },
}


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def book(self, grant: Grant, report: Report) -> None:
        assert grant.claimed
        self.reports.append(report)


def grant_of(kept: Kept, *, prompt: int | None = None, **policies: Any) -> Grant:
    return Grant(
        ANSWER,
        request_id="r",
        sink=kept,
        policies=Policies(**policies),
        start_before=4.0,
        expires_at=900.0,
        prompt_units=prompt,
        clock=lambda: 3.0,
    )


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-7)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_many_threads_that_race_for_a_grant_report_it_once() -> None:
    kept = Kept()
    for _ in range(400):
        kept.reports.clear()
        grant = grant_of(kept)
        gate = threading.Barrier(8)

        def end(how: int, grant: Grant = grant, gate: threading.Barrier = gate) -> None:
            gate.wait()
            (grant.void, grant.settle, grant.finish, grant.lose)[how % 4]()

        threads = [threading.Thread(target=end, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(kept.reports) == 1


def test_claim_is_true_once_and_its_owner_books() -> None:
    kept = Kept()
    grant = grant_of(kept)
    assert [grant.claim(), grant.claim()] == [True, False]
    assert not grant.settle()
    grant.book(Report(5))
    assert kept.reports == [Report(5)]


@pytest.mark.parametrize(
    ("told", "error", "prompt", "policies", "report"),
    [
        ("used", None, None, {}, Report(700, None, "reported", "stable")),
        ("used", ValueError(), None, {}, Report(700, None, "reported", "stable")),
        ("used", asyncio.CancelledError(), 10, {}, Report(700, None, "reported", "stable")),
        ("nothing", None, 10, {}, Report(4000, source="estimated")),
        ("nothing", ValueError(), 10, {}, VOID),
        ("nothing", asyncio.CancelledError(), 10, {}, Report(10, source="counted")),
        ("nothing", GeneratorExit(), 10, {"cancelled_before_output": "void"}, VOID),
        ("nothing", GeneratorExit(), None, {}, VOID),
        ("output", None, 10, {}, Report(47, source="counted")),
        ("output", ValueError(), 10, {}, Report(47, source="counted")),
        ("output", GeneratorExit(), None, {}, Report(37, source="counted")),
        ("output", GeneratorExit(), 10, {"after_output": "estimated"}, Report(4000, source="estimated")),
        ("uncounted", GeneratorExit(), 10, {}, Report(4000, source="estimated")),
        ("uncounted", None, 10, {}, Report(4000, source="estimated")),
    ],
)
def test_what_is_booked_follows_from_how_the_request_ended(
    told: str, error: BaseException | None, prompt: int | None, policies: Any, report: Report
) -> None:
    kept = Kept()
    grant = grant_of(kept, prompt=prompt, **policies)
    if told == "used":
        grant.delivered(3)
        grant.used(700, served_tier="stable")
    elif told == "output":
        grant.delivered(37)
        grant.delivered(2)  # the greatest figure stands
    elif told == "uncounted":
        grant.delivered()
    assert grant.finish(error)
    assert kept.reports == [report]


def test_a_grant_that_nobody_reports_is_booked_as_its_estimate_even_while_output_goes_on() -> None:
    kept = Kept()
    grant = grant_of(kept)
    grant.delivered(37)
    assert grant.lose()
    assert kept.reports == [Report(4000, source="estimated")]


@pytest.mark.parametrize("units", [-1, 1.5, True, None, "7", 10**15 + 1])
def test_a_figure_that_cannot_be_booked_is_booked_as_the_estimate(units: Any) -> None:
    kept = Kept()
    with_bad_units, with_bad_output = grant_of(kept), grant_of(kept)
    with_bad_units.used(units)
    with_bad_units.finish()
    with_bad_output.delivered(units)
    with_bad_output.finish()
    assert kept.reports == [Report(4000, source="estimated")] * 2


@pytest.mark.parametrize("prompt", [-1, 1.5, "12", True])
def test_a_prompt_that_cannot_be_counted_counts_as_not_said(prompt: Any) -> None:
    kept = Kept()
    grant_of(kept, prompt=prompt).finish(GeneratorExit())
    assert kept.reports == [VOID]


def test_a_grant_may_start_until_its_time_and_not_once_claimed() -> None:
    grant = grant_of(Kept())
    assert grant.may_start()
    grant.start_before = 3.0
    assert not grant.may_start()
    ended = grant_of(Kept())
    ended.void()
    assert not ended.may_start()


def test_what_is_shown_of_a_grant_names_no_authorization() -> None:
    assert "id-1" not in repr(grant_of(Kept()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"hold_seconds": 0},
        {"hold_seconds": 86_401},
        {"hold_seconds": 1.5},
        {"unknown_output": True},
        {"after_output": "nothing"},
        {"authorize_seconds": float("nan")},
        {"exit_seconds": -1},
        {"async_threads": "4"},
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Policies(**wrong)
    assert str(refused.value).startswith(next(iter(wrong)))


@pytest.mark.parametrize("said", [None, 0, -5, "50", True, 1.0])
def test_output_of_unknown_size_is_bounded_by_the_policy(said: object) -> None:
    assert Policies(unknown_output=100).output_bound(said) == 100
    assert Policies(unknown_output=100).output_bound(said, choices=3) == 300


def test_output_that_the_request_bounds_is_taken_as_said() -> None:
    assert Policies().output_bound(50, choices=2) == 100
