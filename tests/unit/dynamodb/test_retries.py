"""A budget of tries is bounded in number and in time, and its pauses grow and are never the same twice."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.dynamodb.retries import BUSY_TRIES, DEADLINE_SECONDS, LOST_RACES, Pacing, RetryBudget, always
from modelpass.dynamodb.transport import Cause, StoreBusyError
from modelpass.errors import ErrorCode, Refusal, Refused
from tests.support.builders import PROPERTY

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.retries import MayRetry

LONGEST_PAUSE_SECONDS = 0.4
BUSY = StoreBusyError("busy")


@dataclass(slots=True)
class Time:
    """A steady clock that only pauses move."""

    now: float = 100.0
    chance: float = 0.5
    pauses: list[float] = field(default_factory=list)
    stop_at: float = float("inf")

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def budget(self, may_retry: MayRetry = always) -> RetryBudget:
        return RetryBudget(Pacing(lambda: self.now, self.sleep, lambda: self.chance), self.stop_at, may_retry)


def is_used_up(refused: Refused) -> bool:
    return refused.refusal == Refusal(ErrorCode.TEMPORARILY_UNAVAILABLE, retry_after=1)


def test_busy_store_is_tried_six_times_and_then_told() -> None:
    time, tries = Time(), []

    def read() -> None:
        tries.append(1)
        raise StoreBusyError("busy")

    with pytest.raises(Refused) as caught:
        time.budget().persist(read)
    assert is_used_up(caught.value)
    assert (len(tries), len(time.pauses)) == (6, 5)
    assert BUSY_TRIES == 6


def test_read_that_succeeds_at_last_is_answered() -> None:
    outcomes = iter([StoreBusyError("busy"), StoreBusyError("busy"), None])

    def read() -> str:
        if (failure := next(outcomes)) is not None:
            raise failure
        return "read"

    assert Time().budget().persist(read) == "read"


def test_closed_connection_is_tried_again_at_once_and_counts_as_a_try() -> None:
    time = Time()
    budget = time.budget()
    closed = StoreBusyError("closed", Cause.STALE)
    for _ in range(BUSY_TRIES - 1):
        budget.busy(closed)
    assert time.pauses == []
    with pytest.raises(Refused):
        budget.busy(closed)


def test_store_that_is_not_to_be_asked_now_ends_all_trying_without_a_pause() -> None:
    time = Time()
    with pytest.raises(Refused) as caught:
        time.budget().busy(StoreBusyError("BreakerOpen", Cause.OPEN))
    assert is_used_up(caught.value)
    assert time.pauses == []


@pytest.mark.parametrize("cause", [Cause.CONTENDED, Cause.THROTTLED, Cause.FAILED, Cause.SILENT])
def test_process_that_has_no_retry_left_refuses_without_a_pause(cause: Cause) -> None:
    time, asked = Time(), []

    def none_left(of: Cause) -> bool:
        asked.append(of)
        return False

    with pytest.raises(Refused) as caught:
        time.budget(none_left).busy(StoreBusyError("busy", cause))
    assert is_used_up(caught.value)
    assert (asked, time.pauses) == ([cause], [])


def test_closed_connection_takes_nothing_of_what_the_process_may_retry() -> None:
    Time().budget(lambda _: False).busy(StoreBusyError("closed", Cause.STALE))


def test_budget_for_another_item_shares_what_the_process_may_retry() -> None:
    budget = Time().budget(lambda _: False).for_another()
    with pytest.raises(Refused):
        budget.busy(BUSY)


def test_budget_is_one_for_all_reads_and_writes_of_a_command() -> None:
    budget = Time().budget()
    for _ in range(BUSY_TRIES - 1):
        budget.busy(BUSY)
    with pytest.raises(Refused):
        budget.busy(BUSY)


def test_other_failures_are_not_tried_again() -> None:
    time, tries = Time(), []

    def read() -> None:
        tries.append(1)
        raise KeyError("other")

    with pytest.raises(KeyError):
        time.budget().persist(read)
    assert (tries, time.pauses) == ([1], [])


def test_lost_races_are_bounded_and_do_not_pause() -> None:
    time = Time()
    budget = time.budget()
    for _ in range(LOST_RACES - 1):
        budget.lost_race()
    with pytest.raises(Refused) as caught:
        budget.lost_race()
    assert is_used_up(caught.value)
    assert time.pauses == []


def test_invocation_with_little_time_left_ends_all_trying_sooner() -> None:
    time = Time(stop_at=101.0)
    budget = time.budget()
    budget.lost_race()
    time.now = 101.0
    with pytest.raises(Refused) as caught:
        budget.lost_race()
    assert is_used_up(caught.value)


@pytest.mark.parametrize("step", [lambda a: a.busy(BUSY), RetryBudget.lost_race], ids=["busy", "lost race"])
def test_deadline_ends_all_trying_to_the_moment(step: Callable[[RetryBudget], None]) -> None:
    time = Time()
    budget = time.budget()
    time.now += DEADLINE_SECONDS - 0.001
    step(budget)
    time = Time()
    budget = time.budget()
    time.now += DEADLINE_SECONDS
    with pytest.raises(Refused) as caught:
        step(budget)
    assert is_used_up(caught.value)
    assert time.pauses == []


@PROPERTY
@given(st.floats(0, 1, exclude_max=True))
def test_pauses_grow_within_their_limits_whatever_chance_says(chance: float) -> None:
    time = Time(chance=chance)
    budget = time.budget()
    for _ in range(BUSY_TRIES - 1):
        budget.busy(BUSY)
    assert time.pauses == sorted(time.pauses)
    assert time.pauses[0] < time.pauses[-1]
    ceilings = [0.04, 0.08, 0.16, 0.32, 0.4]
    for pause, ceiling in zip(time.pauses, ceilings, strict=True):
        assert ceiling / 2 <= pause <= ceiling <= LONGEST_PAUSE_SECONDS
    assert sum(time.pauses) < DEADLINE_SECONDS


def test_two_commands_that_meet_do_not_pause_alike() -> None:
    chance = random.Random(7)
    pauses = []
    for _ in range(20):
        time = Time(chance=chance.random())
        time.budget().busy(BUSY)
        pauses += time.pauses
    assert len(set(pauses)) == 20
