"""The memory of refusals: what is kept as an answer, of which models, how many, how long, and under threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelpass.entitlements import refusal_cache
from modelpass.entitlements.refusal_cache import MAX_ENTRIES, TTL_SECONDS, RefusalCache, RememberedRefusal
from modelpass.errors import ErrorCode, Refusal
from tests.support.builders import entitlement
from tests.support.concurrency import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, OTHER_KEY = b"k" * 16, b"o" * 16
LOOK = RememberedRefusal("acct")
REPLACED = RememberedRefusal("acct", Refusal(ErrorCode.INVALID_API_KEY, param="apiKey"))
OF_THE_TERM = RememberedRefusal("acct", held=frozenset({"m-1", "m-2"}))
OF_NO_MODEL = RememberedRefusal("acct", REPLACED.refusal, held=frozenset())
INVALID = Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
OTHER_HASH = bytes(16)
OF_ENTITLEMENT = [
    ErrorCode.SUBSCRIPTION_CANCELLED,
    ErrorCode.SUBSCRIPTION_EXPIRED,
    ErrorCode.TIER_NOT_INCLUDED,
    ErrorCode.REQUEST_ID_REUSED,
    ErrorCode.TIER_UNAVAILABLE,
    ErrorCode.MONTHLY_CAP_REACHED,
    ErrorCode.DAILY_CALL_LIMIT_REACHED,
    ErrorCode.TOO_MANY_OPEN_HOLDS,
]


class Seconds:
    """A steady clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def refusals(seconds: Seconds) -> RefusalCache:
    return RefusalCache(seconds)


def number_key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_what_was_never_refused_is_not_known_and_asks_no_clock() -> None:
    def no_clock() -> float:
        raise AssertionError

    assert RefusalCache(no_clock).recall(KEY, "m-1") is None


def test_refusal_of_a_model_is_about_that_key_and_model_alone(refusals: RefusalCache) -> None:
    refusals.remember(KEY, "m-1", REPLACED)
    assert refusals.recall(KEY, "m-1") is REPLACED
    assert refusals.recall(KEY, "m-2") is None
    assert refusals.recall(OTHER_KEY, "m-1") is None


def test_refusal_for_a_model_that_the_term_has_not_is_about_all_of_those_and_no_other(refusals: RefusalCache) -> None:
    refusals.remember(KEY, "guess", OF_THE_TERM)
    refusals.remember(KEY, "m-2", LOOK)
    assert refusals.recall(KEY, "another guess") is OF_THE_TERM
    assert refusals.recall(KEY, "m-1") is None
    assert refusals.recall(KEY, "m-2") is LOOK
    assert refusals.recall(OTHER_KEY, "guess") is None


def test_what_is_known_of_every_model_comes_before_what_is_known_of_one(refusals: RefusalCache) -> None:
    refusals.remember(KEY, "m-1", LOOK)
    refusals.remember(KEY, "m-2", OF_NO_MODEL)
    assert refusals.recall(KEY, "m-1") is OF_NO_MODEL


@pytest.mark.parametrize("lesson", [LOOK, REPLACED, OF_THE_TERM, OF_NO_MODEL])
def test_nothing_is_known_for_longer_than_five_minutes_however_often_it_is_asked_for(
    refusals: RefusalCache, seconds: Seconds, lesson: RememberedRefusal
) -> None:
    assert TTL_SECONDS == 300
    refusals.remember(KEY, "guess", lesson)
    for seconds.now in (1000.0, 1100.0, 1299.9):
        assert refusals.recall(KEY, "guess") is lesson
    seconds.now = 1300.0
    assert refusals.recall(KEY, "guess") is None


def test_what_is_learnt_again_is_known_for_five_more_minutes(refusals: RefusalCache, seconds: Seconds) -> None:
    refusals.remember(KEY, "m-1", LOOK)
    seconds.now += 299
    refusals.remember(KEY, "m-1", LOOK)
    seconds.now += 299
    assert refusals.recall(KEY, "m-1") is LOOK


def test_forgotten_is_one_model_of_one_key(refusals: RefusalCache) -> None:
    for model_id in ("m-1", "m-2"):
        refusals.remember(KEY, model_id, LOOK)
        refusals.remember(OTHER_KEY, model_id, LOOK)
    refusals.forget(KEY, "m-1")
    refusals.forget(KEY, "never refused")
    known = [refusals.recall(key, model_id) for key in (KEY, OTHER_KEY) for model_id in ("m-1", "m-2")]
    assert known == [None, LOOK, LOOK, LOOK]


def test_of_very_many_the_newest_are_known_and_what_is_learnt_again_is_new(refusals: RefusalCache) -> None:
    for number in range(MAX_ENTRIES):
        refusals.remember(number_key(number), "m-1", LOOK)
    refusals.remember(number_key(0), "m-1", LOOK)
    refusals.remember(KEY, "guess", OF_THE_TERM)
    refusals.remember(OTHER_KEY, "m-1", LOOK)
    known = [number for number in range(MAX_ENTRIES) if refusals.recall(number_key(number), "m-1")]
    assert known == [0, *range(3, MAX_ENTRIES)]
    assert len(refusals._kept) == MAX_ENTRIES


def test_64_threads_share_a_memory_and_it_stays_bounded_and_right() -> None:
    refusals = RefusalCache(Seconds())

    def use(number: int) -> int:
        wrong = 0
        for round_number in range(300):
            model_id = f"m-{round_number % 7}"
            about = number_key((number * 37 + round_number) % (2 * MAX_ENTRIES))
            steps: tuple[Callable[[], object], ...] = (
                lambda: refusals.remember(about, model_id, LOOK),  # noqa: B023 - run at once
                lambda: refusals.remember(KEY, model_id, REPLACED),  # noqa: B023 - likewise
                lambda: refusals.forget(KEY, model_id),  # noqa: B023 - likewise
            )
            steps[round_number % 3]()
            wrong += refusals.recall(KEY, model_id) not in (None, REPLACED)
            wrong += refusals.recall(about, model_id) not in (None, LOOK)
            wrong += len(refusals._kept) > MAX_ENTRIES + 64
        return wrong

    assert sum(at_once(64, use)) == 0
    refusals.remember(OTHER_KEY, "m-1", LOOK)
    assert len(refusals._kept) <= MAX_ENTRIES


@pytest.mark.parametrize("code", OF_ENTITLEMENT)
def test_what_can_reverse_or_shows_windows_is_looked_at_again(code: ErrorCode) -> None:
    assert refusal_cache.remembered(Refusal(code), entitlement()) == RememberedRefusal("acct", refusal=None, held=None)


def test_key_that_one_model_knows_a_later_one_of_is_refused_for_good_in_that_model_alone() -> None:
    later = entitlement()._replace(key_hash=OTHER_HASH)
    assert refusal_cache.remembered(INVALID, later) == RememberedRefusal("acct", INVALID, held=None)


def test_key_of_a_term_that_was_renewed_is_refused_for_good_in_every_model() -> None:
    retired = entitlement()._replace(key_hash=None)
    assert refusal_cache.remembered(INVALID, retired) == RememberedRefusal("acct", INVALID, held=frozenset())
