"""Every clause of the writes that decide and count, spelled out: none is missing, and none is there for nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import accounting, history, parts, thresholds, updates
from modelpass.entitlements import events as entitlement_events
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.entitlements.authorization_ids import next_nonce
from modelpass.entitlements.change import Change, Correction, OwnFigure, TierBreach
from modelpass.entitlements.model import SETTLE_GRACE_MS, Threshold
from modelpass.errors import ErrorCode, Refusal
from tests.support.builders import CAP, KEY_HASH, NOON, TABLES, entitlement, hold, ms
from tests.support.expressions import spelled

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, Hold

DAY_BEGINS, DAY_ENDS = ms("2026-12-01T00:00:00Z"), ms("2026-12-02T00:00:00Z")
OPEN, NEW = hold("open", 40, 3), hold("new", 20, 2)
NEXT = hold("open", 60, 5, at_ms=NOON + 9000, seconds=60)._replace(nonce=next_nonce(OPEN.nonce))
"""What is to take the place of the open hold after a part."""
UNDERSTOOD, SAME_WINDOWS = "v IN (3, 2)", f"ws = {DAY_BEGINS}"
NO_LAPSE = "attribute_not_exists(tl)"
NOTHING_TOLD = ["ta = 0", NO_LAPSE]
MAY_GRANT = [f"kh = {KEY_HASH!r}", "attribute_not_exists(xc)"]
NEXT_DAY = [
    f"ws = {DAY_ENDS}",
    f"we = {DAY_ENDS + 86_400_000}",
    "wd = 2026-12-02",
    "wm = 0",
    "db = 0",
    "mb = 739800000",
]
DAY_80, _, MONTH_80, MONTH_100 = Threshold
MARKED = "dp = 080"
"""The shard of the due index that the entitlement's key falls to."""


def path(of: Hold) -> str:
    return f"h.{of.key}"


def is_there(of: Hold) -> str:
    return f"{path(of)} = {entitlement_items.pack_hold(of)}"


def is_new(of: Hold) -> str:
    return f"attribute_not_exists({path(of)})"


def update_of(step: Change, *beside: str) -> Any:
    """The update of the item; `beside` are the actions beside it in its transaction, with their tables."""
    operation, request = entitlement_transactions.request_of(TABLES, step, 100)
    if operation == "UpdateItem":
        assert (beside, request["ReturnValues"]) == ((), "ALL_NEW")
        update = request
    else:
        (first, *others) = request["TransactItems"]
        assert tuple(f"{name} {write['TableName']}" for other in others for name, write in other.items()) == beside
        update = first["Update"]
        assert "ReturnValues" not in update
    assert (update["TableName"], update["Key"]) == (
        TABLES.entitlements,
        entitlement_items.entitlement_key(step.before.id),
    )
    assert update["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    return spelled(update)


def with_open(**others: Any) -> Entitlement:
    return entitlement(holds=[OPEN], calls=3, due_at_ms=NOON, **others)


def correction(units: int, at_ms: int = NOON) -> Correction:
    return Correction("key", b"body", b"nonce", "operator", units, at_ms, "reason", NOON)


def test_authorize_demands_every_rule_and_counts_once() -> None:
    request = updates.authorize(TABLES, entitlement().id, KEY_HASH, NEW, (Tier.BASIC, Tier.STABLE), 7)
    assert spelled(request) == (
        [
            *(UNDERSTOOD, *MAY_GRANT, f"we > {NOON}", f"ws <= {NOON}", "da <= we"),
            *("dl >= 2", "ml >= 20", is_new(NEW), "size(h) < 7", "tr IN (basic, stable)"),
        ],
        ["dl = dl - 2", "dc = dc + 2", "ml = ml - 20", f"{path(NEW)} = {entitlement_items.pack_hold(NEW)}"],
        [""],
    )
    assert (request["TableName"], request["Key"]) == (
        TABLES.entitlements,
        entitlement_items.entitlement_key(entitlement().id),
    )
    assert (request["ReturnValues"], request["ReturnValuesOnConditionCheckFailure"]) == ("ALL_NEW", "ALL_OLD")


def test_settle_demands_its_open_grant_in_its_windows_and_gives_back_the_rest() -> None:
    request = updates.settle(TABLES, entitlement().id, OPEN, 25, 1, NOON + 5)
    assert spelled(request) == (
        [UNDERSTOOD, is_there(OPEN), f"ws <= {NOON}", f"xa > {NOON + 5 - SETTLE_GRACE_MS}", "dc >= 2"],
        ["dl = dl + 2", "dc = dc - 2", "du = du + 25", "ml = ml + 15", "mu = mu + 25"],
        [path(OPEN)],
    )
    assert (request["TableName"], request["Key"]) == (
        TABLES.entitlements,
        entitlement_items.entitlement_key(entitlement().id),
    )
    assert (request["ReturnValues"], request["ReturnValuesOnConditionCheckFailure"]) == ("ALL_NEW", "ALL_OLD")


def test_settle_that_gives_no_calls_back_demands_nothing_of_the_calls() -> None:
    assert "dc >= 0" not in spelled(updates.settle(TABLES, entitlement().id, OPEN, 25, 3, NOON + 5))[0]


def test_part_that_gives_calls_back_demands_that_they_are_counted() -> None:
    fewer = NEXT._replace(calls=1)
    request = updates.go_on(TABLES, entitlement().id, KEY_HASH, OPEN, fewer, used=25, calls=1)
    assert spelled(request)[0][-2:] == ["dl >= -1", "dc >= 1"]


def test_part_demands_what_a_settle_and_a_grant_demand_and_puts_the_next_step_in_the_place_of_the_hold() -> None:
    request = updates.go_on(TABLES, entitlement().id, KEY_HASH, OPEN, NEXT, used=25, calls=1)
    at = NEXT.granted_at_ms
    assert spelled(request) == (
        [
            *(UNDERSTOOD, is_there(OPEN), f"ws <= {NOON}", f"xa > {at - SETTLE_GRACE_MS}", *MAY_GRANT, f"we > {at}"),
            *("ml >= 45", "dl >= 3"),
        ],
        [
            *("dl = dl - 3", "dc = dc + 3", "du = du + 25", "ml = ml - 45", "mu = mu + 25"),
            f"{path(OPEN)} = {entitlement_items.pack_hold(NEXT)}",
        ],
        [""],
    )
    assert (request["TableName"], request["Key"]) == (
        TABLES.entitlements,
        entitlement_items.entitlement_key(entitlement().id),
    )
    assert (request["ReturnValues"], request["ReturnValuesOnConditionCheckFailure"]) == ("ALL_NEW", "ALL_OLD")


def part_of(before: Entitlement, *, refusal: Refusal | None = None, reclaimed: bool = False, used: int = 25) -> Change:
    part = parts.Part(KEY_HASH, OPEN, used, 1, NEXT, refusal)
    return parts.next_step(before, part, NEXT.granted_at_ms, reclaimed=reclaimed).change


def test_part_that_was_worked_out_demands_what_it_takes_and_that_new_work_is_allowed() -> None:
    less = NEXT._replace(units=30)
    step = part_of(with_open(used=CAP - OPEN.units - 15))
    assert update_of(step) == (
        [UNDERSTOOD, SAME_WINDOWS, is_there(OPEN), *MAY_GRANT, "ml >= 15", "dl >= 3", f"da = {NOON}"],
        [
            *("dl = dl + -3", "dc = dc + 3", "du = du + 25", "ml = ml + -15", "mu = mu + 25"),
            f"{path(OPEN)} = {entitlement_items.pack_hold(less)}",
        ],
        [""],
    )


def test_part_that_goes_on_with_nothing_demands_nothing_of_the_month() -> None:
    conditions = update_of(part_of(with_open(used=CAP - OPEN.units), used=2000))[0]
    assert [c for c in conditions if c.startswith("ml")] == []


def test_part_without_new_work_demands_what_a_late_settle_demands_and_keeps_the_lesser() -> None:
    down = Refusal(ErrorCode.TIER_UNAVAILABLE)
    kept = OPEN._replace(nonce=NEXT.nonce, units=15, calls=2)
    assert update_of(part_of(with_open(), refusal=down)) == (
        [UNDERSTOOD, SAME_WINDOWS, is_there(OPEN), f"da = {NOON}"],
        ["du = du + 25", "mu = mu + 25", f"{path(OPEN)} = {entitlement_items.pack_hold(kept)}"],
        [""],
    )


def test_part_of_a_hold_given_back_before_spends_its_ticket_and_leaves_another() -> None:
    step = part_of(entitlement(tickets=1, calls=3, due_at_ms=NOON), reclaimed=True)
    assert update_of(step, "Put H", "Delete H") == (
        [UNDERSTOOD, SAME_WINDOWS, f"da = {NOON}"],
        ["du = du + 25", "ml = ml + -25", "mu = mu + 25", "rc = rc + 0"],
        [""],
    )
    assert step.tickets == (OPEN._replace(nonce=NEXT.nonce, units=0, calls=2),)


def test_settle_that_was_worked_out_adds_up_the_units_whose_figure_is_the_routers_own() -> None:
    booked = accounting.book(with_open(), OPEN, 25, 1, reclaimed=False)
    sets = update_of(booked._replace(own_figure=OwnFigure("counted", 25)))[1]
    assert set(sets) - set(update_of(booked)[1]) == {"uc = if_not_exists(uc, 0) + 25"}


def test_windows_are_closed_only_with_the_figures_that_go_to_their_rows() -> None:
    step = accounting.roll(entitlement(calls=3, used=7, day_units=7), DAY_ENDS)
    assert update_of(step, "Update H") == (
        [
            *(UNDERSTOOD, SAME_WINDOWS, "dl = 47", "dc = 3", "du = 7", "ml = 993", "mu = 7"),
            *(f"we = {DAY_ENDS}", *NOTHING_TOLD),
        ],
        ["dl = 50", "dc = 0", "du = 0", *NEXT_DAY],
        [""],
    )


def test_windows_are_opened_with_a_grant_in_them_and_the_reset_is_told_of_it() -> None:
    new = hold("new", 20, 2, at_ms=DAY_ENDS)
    step = accounting.with_grant(accounting.roll(entitlement(calls=3, used=7, day_units=7), DAY_ENDS), new, new.units)
    demands, sets, removes = update_of(step, "Update H")
    assert demands[7:] == [is_new(new), *MAY_GRANT, "size(h) < 100", f"we = {DAY_ENDS}", *NOTHING_TOLD]
    assert sets == [
        *("dl = 48", "dc = 2", "du = 0", "ml = 973", f"{path(new)} = {entitlement_items.pack_hold(new)}"),
        *(*NEXT_DAY, MARKED, f"da = {new.expires_at_ms}"),
    ]
    assert removes == [""]


def test_late_settle_demands_its_hold_and_the_mark_of_the_reset_as_they_were() -> None:
    step = accounting.book(with_open(), OPEN, 25, 1, reclaimed=False)
    assert update_of(step) == (
        [UNDERSTOOD, SAME_WINDOWS, "dc >= 2", is_there(OPEN), f"da = {NOON}"],
        ["dl = dl + 2", "dc = dc + -2", "du = du + 25", "ml = ml + 15", "mu = mu + 25"],
        [path(OPEN)],
    )


def test_settle_of_a_hold_given_back_before_spends_its_ticket() -> None:
    step = accounting.book(entitlement(tickets=1, calls=3, due_at_ms=NOON), OPEN, 25, 1, reclaimed=True)
    assert update_of(step, "Delete H") == (
        [UNDERSTOOD, SAME_WINDOWS, "dc >= 2", f"da = {NOON}"],
        ["dl = dl + 2", "dc = dc + -2", "du = du + 25", "ml = ml + -25", "mu = mu + 25", "rc = rc + -1"],
        [""],
    )


def test_breach_is_told_beside_the_settle_that_reports_it() -> None:
    booked = accounting.book(with_open(), OPEN, 25, 3, reclaimed=False)
    update_of(booked._replace(breach=TierBreach(OPEN, Tier.BASIC, NOON)), "Put V")


def test_correction_takes_no_more_than_is_there() -> None:
    stored = entitlement(used=30, day_units=20, due_at_ms=NOON)
    assert update_of(accounting.correct(stored, correction(-5)), "Put H", "Put V") == (
        [UNDERSTOOD, SAME_WINDOWS, "du >= 5", "mu >= 5", f"da = {NOON}"],
        ["du = du + -5", "ml = ml + 5", "mu = mu + -5"],
        [""],
    )
    of_yesterday = accounting.correct(stored, correction(-5, NOON - 86_400_000))
    assert update_of(of_yesterday, "Update H", "Put H", "Put V")[0] == [
        *(UNDERSTOOD, SAME_WINDOWS, "mu >= 5", f"da = {NOON}"),
    ]


def test_correction_gives_back_no_more_calls_than_are_counted_and_adds_none_that_the_day_has_not() -> None:
    stored = entitlement(calls=3, due_at_ms=NOON)
    assert update_of(accounting.correct(stored, correction(0)._replace(calls=-2)), "Put H", "Put V") == (
        [UNDERSTOOD, SAME_WINDOWS, "dc >= 2", f"da = {NOON}"],
        ["dl = dl + 2", "dc = dc + -2"],
        [""],
    )
    assert update_of(accounting.correct(stored, correction(0)._replace(calls=2)), "Put H", "Put V") == (
        [UNDERSTOOD, SAME_WINDOWS, "dl >= 2", f"da = {NOON}"],
        ["dl = dl + -2", "dc = dc + 2"],
        [""],
    )


def test_correction_that_adds_demands_no_figures_and_marks_what_was_idle() -> None:
    step = accounting.correct(entitlement(used=30, day_units=20), correction(5))
    assert update_of(step, "Put H", "Put V") == (
        [UNDERSTOOD, SAME_WINDOWS, "attribute_not_exists(da)"],
        ["du = du + 5", "ml = ml + -5", "mu = mu + 5", MARKED, f"da = {DAY_ENDS}"],
        [""],
    )


def test_grant_by_what_expired_holds_give_back_demands_what_it_takes_beyond_that() -> None:
    step = accounting.with_grant(accounting.reclaim(with_open(), (OPEN,)), NEW, NEW.units)
    assert update_of(step, "Put H") == (
        [
            *(UNDERSTOOD, SAME_WINDOWS, is_there(OPEN), is_new(NEW), *MAY_GRANT),
            *("dl >= 2", "ml >= -20", f"da <= {DAY_ENDS}", "size(h) < 101"),
        ],
        [
            "dl = dl + -2",
            "dc = dc + 2",
            "ml = ml + 20",
            f"{path(NEW)} = {entitlement_items.pack_hold(NEW)}",
            "rc = rc + 1",
        ],
        [path(OPEN)],
    )


@pytest.mark.parametrize(("needed", "demand"), [(1, "ml >= -39"), (0, "ml >= -40")])
def test_grant_that_holds_nothing_demands_what_it_needs(needed: int, demand: str) -> None:
    step = accounting.with_grant(accounting.reclaim(with_open(), (OPEN,)), hold("none", 0, 1), needed)
    demands, sets, _ = update_of(step, "Put H")
    assert demand in demands
    assert "ml = ml + 40" in sets


def test_grant_of_a_request_whose_earlier_hold_has_expired_replaces_it() -> None:
    again = hold("open", 20, 2, nonce=b"newer.")
    step = accounting.with_grant(accounting.reclaim(with_open(), (OPEN,)), again, again.units)
    demands, sets, removes = update_of(step, "Put H")
    assert demands[2] == is_there(OPEN)
    assert is_new(again) not in demands
    assert f"{path(again)} = {entitlement_items.pack_hold(again)}" in sets
    assert removes == [""]


def test_reset_takes_its_mark_away_only_from_what_is_as_it_was_read() -> None:
    idle = entitlement(due_at_ms=NOON)
    assert update_of(accounting.rearm(Change(idle, idle), NOON)) == (
        [UNDERSTOOD, SAME_WINDOWS, "dl = 50", "dc = 0", "du = 0", "ml = 1000", "mu = 0", *NOTHING_TOLD],
        [""],
        ["dp", "da"],
    )


def test_threshold_is_told_once_by_the_marks_as_they_were_read_while_it_is_reached() -> None:
    first = thresholds.announcing_step(entitlement(calls=41), NOON)
    assert first is not None
    assert update_of(first, "Put V") == ([UNDERSTOOD, SAME_WINDOWS, *NOTHING_TOLD, "dc >= 40"], ["ta = 1"], [""])
    second = thresholds.announcing_step(entitlement(calls=50, used=1001, announced=[DAY_80], lapses=2), NOON)
    assert second is not None
    assert update_of(second, *["Put V"] * 3) == (
        [UNDERSTOOD, SAME_WINDOWS, "ta = 1", "tl = 2", "dc >= 50", "mu >= 1000"],
        ["ta = 15"],
        [""],
    )


def test_calls_of_an_open_block_do_not_help_to_tell_a_threshold() -> None:
    step = thresholds.announcing_step(entitlement(calls=45, holds=[OPEN]), NOON)
    assert step is not None
    assert update_of(step, "Put V")[0] == [UNDERSTOOD, SAME_WINDOWS, *NOTHING_TOLD, "dc >= 43"]


def test_mark_is_taken_away_only_while_its_threshold_is_not_reached_and_each_time_is_counted() -> None:
    lapsed = entitlement(calls=39, used=799, announced=list(Threshold), lapses=2)
    step = thresholds.announcing_step(lapsed, NOON)
    assert step is not None
    assert update_of(step) == (
        [UNDERSTOOD, SAME_WINDOWS, "ta = 15", "tl = 2", "dc < 40", "mu < 800"],
        ["ta = 0", "tl = 3"],
        [""],
    )


def test_correction_takes_the_mark_of_what_it_leaves_below_with_it() -> None:
    stored = entitlement(used=1000, day_units=900, announced=[MONTH_80, MONTH_100], due_at_ms=NOON)
    step = thresholds.without_lapsed(accounting.correct(stored, correction(-5)))
    assert update_of(step, "Put H", "Put V") == (
        [UNDERSTOOD, SAME_WINDOWS, "du >= 5", "mu >= 5", "ta = 12", NO_LAPSE, "mu < 1005", f"da = {NOON}"],
        ["du = du + -5", "ml = ml + 5", "mu = mu + -5", "ta = 4", "tl = 1"],
        [""],
    )
    above = thresholds.without_lapsed(accounting.correct(entitlement(used=900, due_at_ms=NOON), correction(50)))
    assert update_of(above, "Put H", "Put V")[0] == [UNDERSTOOD, SAME_WINDOWS, f"da = {NOON}"]


def beside(step: Change) -> list[Any]:
    """What is written beside the item."""
    _, request = entitlement_transactions.request_of(TABLES, step)
    written: list[Any] = request["TransactItems"][1:]
    return written


def test_closed_windows_are_added_to_their_rows() -> None:
    used = entitlement(at_ms=ms("2026-12-23T10:29:59Z"), calls=3, used=7, day_units=7)
    step = accounting.roll(used, ms("2026-12-24T00:00:00Z"))
    assert step.closed_day is not None
    assert step.closed_month is not None
    assert beside(step) == [
        {"Update": history.add_to_day(TABLES, used, step.closed_day)},
        {"Update": history.add_to_month(TABLES, used, step.closed_month)},
    ]


def test_late_figures_are_added_to_the_rows_of_their_windows() -> None:
    old = hold("old", 40, 3, at_ms=ms("2026-12-22T10:30:00Z"))
    stored = entitlement(at_ms=ms("2026-12-24T10:30:00Z"), holds=[old])
    step = accounting.book(stored, old, 25, 1, reclaimed=False)
    assert step.late_day is not None
    assert beside(step) == [
        {"Update": history.add_to_day(TABLES, stored, step.late_day)},
        {"Update": history.add_to_month(TABLES, stored, step.late_months[0])},
    ]


def test_each_hold_that_is_given_back_leaves_its_ticket_and_a_late_settle_takes_it() -> None:
    gone = [hold(f"gone-{n}", seconds=60) for n in range(2)]
    stored = entitlement(holds=gone, calls=2)
    assert beside(accounting.reclaim(stored, tuple(gone))) == [
        {"Put": history.ticket(TABLES, stored, of)} for of in gone
    ]
    without = entitlement(tickets=1, calls=3)
    assert beside(accounting.book(without, OPEN, 25, 1, reclaimed=True)) == [
        {"Delete": history.spent_ticket(TABLES, without, OPEN)}
    ]


def test_what_is_told_beside_a_step_is_of_that_step() -> None:
    booked = accounting.book(with_open(), OPEN, 25, 3, reclaimed=False)
    breach = TierBreach(OPEN, Tier.BASIC, NOON + 1)
    event = {"Put": entitlement_events.tier_breached(TABLES, booked.before, breach)}
    assert beside(booked._replace(breach=breach)) == [event]
    told_of = json.loads(event["Put"]["Item"]["data"]["S"])
    assert (told_of["channelTier"], told_of["servedTier"]) == ("stable", "basic")
    assert event["Put"]["Item"]["accountId"] == {"S": "acct"}
    stored = entitlement(used=30, day_units=20)
    assert beside(accounting.correct(stored, correction(-5))) == [
        {"Put": history.correction(TABLES, stored.id, correction(-5))},
        {"Put": entitlement_events.usage_corrected(TABLES, stored, correction(-5))},
    ]
    told = thresholds.announcing_step(entitlement(calls=50), NOON)
    assert told is not None
    assert beside(told) == [
        {"Put": entitlement_events.threshold_reached(TABLES, told.before, announcement)}
        for announcement in told.announcements
    ]


def test_correction_of_what_is_stored_for_a_day_before_takes_from_the_month_alone() -> None:
    stored = entitlement(used=30, day_units=2, due_at_ms=NOON)
    demands, sets, _ = update_of(
        accounting.correct(stored, correction(-5, NOON - 86_400_000)), "Update H", "Put H", "Put V"
    )
    assert demands == [UNDERSTOOD, SAME_WINDOWS, "mu >= 5", f"da = {NOON}"]
    assert sets == ["ml = ml + 5", "mu = mu + -5"]


def test_step_that_moves_no_figure_demands_no_mark_but_the_one_it_changes() -> None:
    idle = entitlement(due_at_ms=NOON)
    moved = Change(idle, idle._replace(due_at_ms=NOON + 1))
    assert update_of(moved) == ([UNDERSTOOD, SAME_WINDOWS], [MARKED, f"da = {NOON + 1}"], [""])
