"""What takes the place of a hold after a part of it was reported: the rules, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.entitlements import accounting, parts
from modelpass.entitlements.authorization_ids import next_nonce
from modelpass.entitlements.model import Contract
from modelpass.errors import ErrorCode, Refusal
from tests.support.builders import (
    CAP,
    KEY_HASH,
    LIMIT,
    NOON,
    PROPERTY,
    TERM,
    entitlement,
    entitlements,
    hold,
    ms,
)
from tests.support.steps import checked

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, Hold

LATER = NOON + 9000
DAY_ENDS = ms("2026-12-02T00:00:00Z")
OPEN = hold("open", 40, 3)
NEXT_NONCE = next_nonce(OPEN.nonce)
DOWN = Refusal(ErrorCode.TIER_UNAVAILABLE, retry_after=5)


def stored(**others: Any) -> Entitlement:
    return entitlement(**{"holds": [OPEN], "calls": 3, "due_at_ms": NOON, **others})


def wanted(units: int = 60, calls: int = 5, at_ms: int = LATER) -> Hold:
    return hold("open", units, calls, at_ms=at_ms, seconds=60)._replace(nonce=NEXT_NONCE)


def part(
    used: int = 10,
    calls: int = 1,
    *,
    asked: Hold | None = None,
    key_hash: bytes = KEY_HASH,
    held: Hold = OPEN,
    refusal: Refusal | None = None,
) -> parts.Part:
    return parts.Part(key_hash, held, used, calls, asked or wanted(), refusal)


@pytest.mark.parametrize(
    ("left", "day_left", "used", "calls", "asked", "gets"),
    [
        # month and day left beside the hold of 40 units and 3 calls; the report; what is asked; what it goes on with
        (960, 47, 10, 1, (60, 5), (60, 5)),
        (30, 47, 10, 1, (60, 5), (60, 5)),
        (29, 47, 10, 1, (60, 5), (59, 5)),
        (0, 47, 10, 1, (60, 5), (30, 5)),
        (0, 47, 40, 1, (60, 5), (0, 5)),
        (0, 47, 41, 1, (60, 5), (0, 5)),
        (0, 47, 41, 1, (0, 5), (0, 5)),
        (960, 3, 10, 1, (60, 5), (60, 5)),
        (960, 2, 10, 1, (60, 5), (60, 4)),
        (960, 0, 10, 1, (60, 5), (60, 2)),
        (960, 0, 10, 3, (60, 5), (60, 0)),
        (960, 0, 10, 0, (60, 1), (60, 1)),
        (960, 47, 0, 0, (0, 1), (0, 1)),
        (960, 47, 0, 3, (0, 0), (0, 0)),
    ],
)
def test_hold_goes_on_with_what_is_asked_or_what_is_left(
    left: int, day_left: int, used: int, calls: int, asked: tuple[int, int], gets: tuple[int, int]
) -> None:
    before = stored(used=CAP - OPEN.units - left, calls=LIMIT - day_left)
    step = parts.next_step(before, part(used, calls, asked=wanted(*asked)), LATER, reclaimed=False)
    assert step.refusal is None
    assert step.rest == step.change.goes_on == wanted(*gets)
    checked(step.change)


def test_expired_holds_are_given_back_before_a_part_is_given_less() -> None:
    expired = [hold(f"e-{n}", 30, at_ms=NOON - 60_000, seconds=60) for n in range(45)]
    before = stored(holds=[OPEN, *expired[:9]], used=CAP - 40 - 270, calls=12)
    first = parts.next_step(before, part(asked=wanted(200)), LATER, reclaimed=False)
    assert (first.rest, len(first.change.tickets)) == (None, 9)
    second = parts.next_step(checked(first.change).after, part(asked=wanted(200)), LATER, reclaimed=False)
    assert second.rest == wanted(200)


def test_expired_holds_stay_where_a_part_fits_without_them_or_they_give_nothing_back() -> None:
    for units, left in ((30, 500), (0, 0)):
        expired = hold("e", units, at_ms=NOON - 60_000, seconds=60)
        before = stored(holds=[OPEN, expired], used=CAP - 40 - units - left, calls=4)
        assert parts.next_step(before, part(), LATER, reclaimed=False).rest is not None


@pytest.mark.parametrize(("before_end_ms", "wait"), [(5001, 5), (5000, None), (1, None)])
def test_a_part_whose_tier_is_down_is_told_to_wait_only_as_long_as_the_term_lasts(
    before_end_ms: int, wait: int | None
) -> None:
    now_ms = TERM.ends_at_ms - before_end_ms
    last = hold("last", 40, 3, at_ms=now_ms)
    before = stored(holds=[last])._replace(segment_end_ms=TERM.ends_at_ms)
    refused = parts.next_step(before, part(refusal=DOWN)._replace(hold=last), now_ms, reclaimed=False).refusal
    assert refused == DOWN._replace(retry_after=wait)


REFUSED = [
    # what is stored, the part, when, reclaimed; the code, and the units and calls that are kept
    (stored(), part(key_hash=b"another"), LATER, False, "invalid_api_key", (30, 2)),
    (stored(), part(key_hash=b""), LATER, False, "invalid_api_key", (30, 2)),
    (stored()._replace(key_hash=None), part(), LATER, False, "invalid_api_key", (30, 2)),
    (stored()._replace(cancelled_at_ms=NOON), part(), LATER, False, "subscription_cancelled", (30, 2)),
    (stored()._replace(cancelled_at_ms=NOON), part(key_hash=b"x"), LATER, False, "invalid_api_key", (30, 2)),
    (stored(), part(), TERM.ends_at_ms, False, "subscription_expired", (0, 2)),
    (stored(), part(refusal=DOWN), LATER, False, "tier_unavailable", (30, 2)),
    (stored(), part(refusal=DOWN), NOON + 900_000, False, "authorization_not_found", (0, 2)),
    (stored(), part(), NOON + 900_000, False, "authorization_not_found", (0, 2)),
    (stored(), part(used=41, refusal=DOWN), LATER, False, "tier_unavailable", (0, 2)),
    (stored(), part(refusal=DOWN, asked=wanted(7, 1)), LATER, False, "tier_unavailable", (7, 1)),
    (stored(), part(refusal=DOWN, calls=3, asked=wanted(7, 0)), LATER, False, "tier_unavailable", (7, 0)),
    (stored(), part(refusal=DOWN, calls=0, asked=wanted(7, 1)), LATER, False, "tier_unavailable", (7, 1)),
    (stored(holds=[], tickets=1), part(), NOON + 900_000, True, "authorization_not_found", (0, 2)),
    (stored(holds=[], tickets=1), part(), LATER, True, "authorization_not_found", (0, 2)),
    (stored(holds=[], tickets=1), part(key_hash=b""), LATER, True, "invalid_api_key", (0, 2)),
]


@pytest.mark.parametrize(("before", "reported", "now_ms", "reclaimed", "code", "keeps"), REFUSED)
def test_where_new_work_is_refused_the_hold_keeps_the_lesser_until_its_old_end(
    before: Entitlement,
    reported: parts.Part,
    now_ms: int,
    reclaimed: bool,  # noqa: FBT001
    code: str,
    keeps: tuple[int, int],
) -> None:
    step = parts.next_step(before, reported, now_ms, reclaimed=reclaimed)
    assert step.refusal is not None
    assert (step.refusal.code.code, step.change.goes_on) == (code, None)
    kept = OPEN._replace(nonce=NEXT_NONCE, units=keeps[0], calls=keeps[1])
    assert step.rest == kept
    after = checked(step.change).after
    assert after.counters.month_used == before.counters.month_used + reported.used
    assert (after.holds, after.tickets) == (({}, 1) if reclaimed else ({kept.key: kept}, 0))
    assert step.change.tickets == ((kept,) if reclaimed else ())


def test_part_is_refused_in_the_last_moment_of_nothing_and_in_the_first_of_the_next_day() -> None:
    late = hold("open", 40, 3, at_ms=DAY_ENDS - 1000)
    before = entitlement(holds=[late], calls=3, due_at_ms=NOON)
    for now_ms, code in ((DAY_ENDS - 1, None), (DAY_ENDS, "authorization_not_found")):
        step = parts.next_step(before, part(held=late, asked=wanted(at_ms=now_ms)), now_ms, reclaimed=False)
        assert (step.refusal and step.refusal.code.code) == code


@PROPERTY
@given(entitlements(least_holds=1), st.integers(0, 600), st.integers(0, 600), st.integers(0, 9), st.data())
def test_whatever_is_reported_every_figure_is_conserved_and_nothing_is_held_that_is_not_left(
    pair: tuple[Entitlement, int], used: int, units: int, keep: int, data: st.DataObject
) -> None:
    before, now_ms = pair
    held = data.draw(st.sampled_from(sorted(before.holds.values(), key=lambda h: h.nonce)))
    asked = held._replace(
        nonce=next_nonce(held.nonce), granted_at_ms=max(now_ms, before.segment_start_ms), units=units, calls=keep
    )
    calls = data.draw(st.integers(0, held.calls))
    reclaimed = data.draw(st.booleans())
    if reclaimed:
        before = accounting.reclaim(before, (held,)).after
    refusal = data.draw(st.sampled_from((None, DOWN)))
    reported = parts.Part(before.key_hash or b"", held, used, calls, asked, refusal)
    for _ in range(10):
        step = parts.next_step(before, reported, max(now_ms, before.segment_start_ms), reclaimed=reclaimed)
        after = checked(step.change).after
        if step.rest is not None:
            break
        before = after
    assert step.rest is not None
    assert step.rest.units <= units
    assert step.rest.calls <= keep
    if step.refusal is None:
        assert after.counters.month_left >= 0 or step.rest.units == 0
        assert after.counters.day_left >= 0
    else:
        assert step.rest.units <= max(0, held.units - used)
        assert step.rest.calls <= held.calls - calls


def test_part_on_a_model_that_left_the_list_is_refused_for_that_before_its_windows() -> None:
    ends_ms = ms("2026-12-23T10:30:00Z")
    gone = Contract(TERM, None, 1, KEY_HASH)
    step = parts.next_step(stored(), part(asked=wanted(at_ms=ends_ms))._replace(told=gone), ends_ms, reclaimed=False)
    assert step.refusal == Refusal(ErrorCode.MODEL_NOT_INCLUDED)
