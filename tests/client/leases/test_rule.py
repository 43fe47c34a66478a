"""One hold that goes on: what is certainly held covers all that has begun, whatever is answered and whenever."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass_client.leases.rule import Hold, IllegalStep, Part, Standing, Terms

TERMS = Terms(longest_ms=8000, margin_ms=2000, hold_seconds=14)
GRANTED = Standing("id-0", units=1000, calls=10, start_within_ms=4000)


def hold_of(**changes: object) -> Hold:
    return Hold(replace(GRANTED, **changes), 0, TERMS)  # type: ignore[arg-type]


def figures(hold: Hold) -> dict[str, object]:
    return {name: copy.copy(getattr(hold, name)) for name in Hold.__slots__}


def test_requests_begin_within_what_is_free_and_give_back_what_they_do_not_use() -> None:
    hold = hold_of()
    assert hold.begin(600, 1, 600, 0)
    assert not hold.begin(401, 1, 401, 0)
    assert hold.begin(400, 1, 400, 0)
    hold.finish(600, 1, 100, 1)
    assert (hold.free_units, hold.free_calls) == (500, 8)
    hold.finish(400, 1, 0, 0)  # voided: its call is free again
    assert (hold.free_units, hold.free_calls) == (900, 9)


def test_a_request_that_estimates_nothing_needs_a_unit_that_is_left() -> None:
    hold = hold_of(units=100)
    assert hold.begin(100, 1, 100, 0)
    assert not hold.begin(0, 1, 1, 0)
    assert hold.begin(0, 1, 0, 0)  # one that uses none by nature


def test_a_part_asks_to_keep_what_has_begun_and_reports_what_has_finished() -> None:
    hold = hold_of()
    hold.begin(300, 1, 300, 0)
    hold.begin(200, 2, 200, 0)
    hold.finish(300, 1, 250, 1)
    part = hold.part_for(700, 5, 100)
    assert part == Part("id-0", used_units=250, used_calls=1, units=900, calls=7)
    assert (hold.used_units, hold.used_calls) == (0, 0)


def test_while_a_part_is_under_way_no_more_begins_than_it_surely_leaves() -> None:
    hold = hold_of()
    hold.begin(300, 1, 300, 0)
    hold.finish(300, 1, 250, 1)
    hold.part_for(2000, 20, 100)  # more may come of it, but nobody knows
    assert (hold.free_units, hold.free_calls) == (750, 9)
    hold.answered(Standing("id-1", 2000, 20, 4000), 100)
    assert (hold.free_units, hold.free_calls) == (2000, 20)
    hold.part_for(10, 1, 200)  # less comes of it, booked or not
    assert (hold.free_units, hold.free_calls) == (10, 1)


def test_what_finishes_while_a_part_is_under_way_goes_into_the_next() -> None:
    hold = hold_of()
    hold.begin(300, 1, 300, 0)
    first = hold.part_for(0, 0, 100)
    hold.finish(300, 1, 120, 1)
    assert hold.part is first
    hold.answered(Standing("id-1", 300, 1, 4000), 100)
    assert hold.part_for(0, 0, 200) == Part("id-1", 120, 1, 0, 0)


def test_a_part_of_a_hold_with_calls_reports_or_keeps_one() -> None:
    assert hold_of().part_for(0, 0, 0).calls == 1


def test_the_time_to_start_counts_from_sending_and_of_a_repeat_that_was_answered_before_from_the_first_try() -> None:
    hold = hold_of()
    assert hold.start_before_ms == 4000
    hold.part_for(100, 1, 1000)
    hold.answered(Standing("id-1", 100, 1, 4000), 3000)
    assert hold.start_before_ms == 7000
    hold.part_for(100, 1, 5000)
    hold.answered(Standing("id-2", 100, 1, 4000, replayed=True), 8000)
    assert hold.start_before_ms == 9000


def test_nothing_starts_that_could_outlast_the_hold() -> None:
    hold = Hold(GRANTED, 0, replace(TERMS, hold_seconds=11))
    assert hold.start_before_ms == 1000
    assert not hold.begin(1, 1, 1, 1000)


def test_of_a_hold_that_may_not_go_on_nothing_begins_and_what_has_begun_is_reported_in_parts() -> None:
    hold = hold_of()
    hold.begin(300, 1, 300, 0)
    hold.part_for(500, 5, 100)
    hold.answered(Standing("id-1", 800, 6, 0, continued=False), 100)
    assert not hold.begin(1, 1, 1, 101)
    hold.finish(300, 1, 200, 1)
    assert hold.part_for(0, 0, 200).used_units == 200
    hold.answered(Standing("id-2", 0, 0, 4000), 200)
    assert not hold.begin(0, 0, 0, 201)  # not even should it be allowed again
    assert hold.last() == (0, 0)


def test_of_a_hold_that_is_gone_what_finishes_later_is_reported_all_the_same() -> None:
    hold = hold_of()
    hold.begin(300, 2, 300, 0)
    hold.part_for(0, 0, 100)
    hold.answered(Standing("id-1", 0, 0, 0, continued=False), 100)
    hold.finish(300, 2, 300, 2)
    assert hold.last() == (300, 0)  # no call is held any more that could be reported


def test_a_part_that_is_taken_back_is_in_the_last_report() -> None:
    hold = hold_of()
    hold.begin(300, 1, 300, 0)
    hold.begin(200, 1, 200, 0)
    hold.finish(300, 1, 250, 1)
    hold.part_for(400, 4, 100)
    hold.finish(200, 1, 50, 1)
    hold.unbook()
    assert not hold.begin(1, 1, 1, 101)
    assert hold.last() == (300, 2)
    assert hold.authorization_id == "id-0"


def test_an_overrun_of_one_request_is_booked_in_full_and_takes_what_is_free() -> None:
    hold = hold_of()
    hold.begin(300, 1, 300, 0)
    hold.finish(300, 1, 1200, 1)
    assert hold.free_units == -200
    assert not hold.begin(0, 0, 0, 0)
    assert hold.part_for(0, 0, 0).used_units == 1200


@pytest.mark.parametrize(
    "step",
    [
        lambda hold: hold.begin(-1, 1, 0, 0),
        lambda hold: hold.begin(1, -1, 1, 0),
        lambda hold: hold.begin(2, 1, 1, 0),
        lambda hold: hold.finish(301, 1, 0, 0),
        lambda hold: hold.finish(300, 2, 0, 0),
        lambda hold: hold.finish(300, 1, -1, 0),
        lambda hold: hold.finish(300, 1, 0, 2),
        lambda hold: hold.part_for(1, 1, 0),
        lambda hold: hold.part_for(-1, 1, 0),
        lambda hold: hold.last(),
    ],
)
def test_an_illegal_step_raises_and_changes_nothing(step: object) -> None:
    hold = hold_of()
    hold.begin(300, 1, 300, 0)
    hold.part_for(100, 1, 0)
    before = figures(hold)
    with pytest.raises(IllegalStep):
        step(hold)  # type: ignore[operator]
    assert figures(hold) == before


def test_an_answer_without_a_question_and_a_step_after_the_end_are_illegal() -> None:
    hold = hold_of()
    with pytest.raises(IllegalStep):
        hold.answered(GRANTED, 0)
    with pytest.raises(IllegalStep):
        hold.unbook()
    hold.last()
    for step in (hold.last, lambda: hold.part_for(0, 0, 0), lambda: hold.finish(0, 0, 0, 0)):
        with pytest.raises(IllegalStep):
            step()
    assert not hold.begin(1, 1, 1, 0)


def test_what_is_shown_of_a_hold_tells_no_id() -> None:
    assert "id-0" not in repr(GRANTED) + repr(hold_of().part_for(1, 1, 0))


STEPS = st.lists(
    st.tuples(st.sampled_from(("begin", "finish", "part", "booked", "repeat", "stop")), st.integers(0, 400)),
    max_size=60,
)


@given(STEPS, st.integers(0, 3000))
def test_what_has_begun_is_covered_by_what_the_service_holds_whenever_it_books(
    steps: list[tuple[str, int]], left: int
) -> None:
    """The service books a part at any moment after it was sent, or at its repeat, and grants what is left by then."""
    hold, held, used = hold_of(), 1000, 0
    begun: list[int] = []
    booked: Standing | None = None
    number = 0
    for step, figure in steps:
        if step == "begin" and hold.begin(figure, 0, figure, 0):
            begun.append(figure)
        elif step == "finish" and begun:
            units = begun.pop(figure % len(begun))
            hold.finish(units, 0, min(units, figure), 0)
            used += min(units, figure)
        elif step == "part" and hold.part is None:
            hold.part_for(figure, 0, 0)
        elif step in {"booked", "repeat"} and hold.part is not None:
            if booked is None:
                part, number = hold.part, number + 1
                left += held - part.used_units
                held = min(part.units, left)
                left -= held
                booked = Standing(f"id-{number}", held, 10, 4000)
            if step == "repeat":
                hold.answered(replace(booked, replayed=True), 0)
                booked = None
        elif step == "stop":
            hold.stop()
        unreported = hold.used_units + (hold.part.used_units if hold.part and booked is None else 0)
        assert sum(begun) + unreported <= held
        assert hold.reserved_units == sum(begun)
        assert left >= 0
