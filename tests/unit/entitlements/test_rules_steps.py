"""What authorize and the reset decide to write, on any entitlement: each step conserves, and the steps end."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from modelpass.entitlements import rules, windows
from modelpass.entitlements.change import Change
from modelpass.entitlements.model import Entitlement
from tests.support.builders import PROPERTY, attempt, entitlements, hold
from tests.support.steps import checked

Stored = tuple[Entitlement, int]


@PROPERTY
@given(entitlements(), st.integers(0, 1500), st.sampled_from(("new", "r-0")))
def test_whatever_authorize_decides_to_write_is_conserving_and_ends(pair: Stored, units: int, name: str) -> None:
    before, now_ms = pair
    wanted = attempt(hold(name, units, at_ms=now_ms), max_open_holds=46)
    for _ in range(4):  # windows, two batches of expired holds, the grant
        step = rules.decide_authorize(before, wanted, now_ms)
        if not isinstance(step, Change):
            event("refused")
            break
        checked(step)
        before = step.after
        if step.grant is not None:
            event("granted")
            break
    else:
        pytest.fail("authorize did not come to an end")


@PROPERTY
@given(entitlements())
def test_whatever_the_reset_does_is_conserving_and_comes_to_rest(pair: Stored) -> None:
    before, now_ms = pair
    before = before._replace(due_at_ms=now_ms)
    for _ in range(5):
        step = rules.plan_reset(before, now_ms)
        if step is None:
            break
        assert step.exact
        before = checked(step).after
    assert before.due_at_ms is None or before.due_at_ms > now_ms
    # What is left is seen to in time: nothing with something to close is ever forgotten.
    counters, segment = before.counters, windows.stored_segment(before)
    if (counters.day_calls or counters.day_units) and segment.end_ms < before.expires_at_ms:
        assert before.armed
    if before.holds:
        assert before.due_at_ms is not None
