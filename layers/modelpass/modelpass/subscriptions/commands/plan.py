"""Plan: note that a plan of another system is active or has ended. Rule: it needs the place that a subscription needs.

Nothing is known of a plan but its id, until when it is active, and from when that news is. When its time is over, the
place is free without any write; the event of its end is written by the next change of the place, or by the reset. News
that is older than what is known changes nothing, so news may come late, twice, and in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.errors import invalid, raise_if_refused
from modelpass.subscriptions import events, rules, slots
from modelpass.subscriptions.answers import PlanOutcome
from modelpass.subscriptions.commands import repository, upkeep

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request
    from modelpass.subscriptions.model import Slot
    from modelpass.subscriptions.orders import PlanEnd, PlanOrder

CLOCKS_DIFFER_MS: Final = 5 * 60 * 1000
"""How far the clock of another system may be ahead: news from later still would outweigh what is true until then."""


def set_plan(deps: Deps, account_id: str, order: PlanOrder) -> PlanOutcome:
    """Let a plan hold the account's place until the order's time; if it holds it already, only its end is moved.

    An order that is older than what is known changes nothing, whatever it says. Raises `Refused`:
    `active_subscription_exists` when another plan or a custom subscription holds the place, and `invalid_request` for
    an end that is not later than now, or an `asOf` that is.
    """
    plan_id, until_ms, as_of_ms = order

    def step(slot: Slot | None, now_ms: int) -> _Step:
        if rules.is_outdated(slot, plan_id, as_of_ms, now_ms):
            return _Step([], slot, applied=False)
        if until_ms <= now_ms:
            raise invalid("expiresAt", "expiresAt must be later than now.")
        place = slots.planned(slot, plan_id, until_ms, as_of_ms)
        if slot is not None and slot.held_by_plan(plan_id, now_ms):
            if (slot.until_ms, slot.as_of_ms) == (until_ms, place.as_of_ms):
                return _Step([], slot)
            return _Step(slots.write(deps.tables, account_id, slot, place, now_ms), place)
        raise_if_refused(rules.refuse_place(slot, now_ms))
        started = events.plan_started(deps.tables, account_id, place, now_ms)
        return _Step([*slots.write(deps.tables, account_id, slot, place, now_ms), {"Put": started}], place)

    return _carry_out(deps, account_id, order, step)


def end_plan(deps: Deps, account_id: str, end: PlanEnd) -> PlanOutcome:
    """Free the account's place if this plan holds it, unless newer news of it is known; leave any other holder alone.

    That a plan has ended is kept even when it does not hold the place, so that older news cannot bring it back. Raises
    `Refused`: `invalid_request` for an `asOf` that is later than now.
    """
    plan_id, as_of_ms = end

    def step(slot: Slot | None, now_ms: int) -> _Step:
        if rules.is_outdated(slot, plan_id, as_of_ms, now_ms):
            return _Step([], slot, applied=False)
        if slot is not None and slot.held_by_plan(plan_id, now_ms):
            place = slots.freed(slot, as_of_ms)
            ended = events.plan_ended(deps.tables, account_id, slot, now_ms)
            return _Step([*slots.write(deps.tables, account_id, slot, place, now_ms), {"Put": ended}], place)
        if as_of_ms is None or as_of_ms == rules.newest_news_ms(slot, plan_id, now_ms):
            return _Step([], slot)
        place = slots.ended_elsewhere(slot, plan_id, as_of_ms, now_ms)
        return _Step(slots.write(deps.tables, account_id, slot, place, now_ms), place)

    return _carry_out(deps, account_id, end, step)


class _Step(NamedTuple):
    """What follows from news: the actions of its transaction, none when nothing changes, and the place after it."""

    actions: list[Request]
    place: Slot | None
    applied: bool = True


def _carry_out(
    deps: Deps, account_id: str, news: PlanOrder | PlanEnd, step_of: Callable[[Slot | None, int], _Step]
) -> PlanOutcome:
    """Write what follows from the place as it is read, and tell what is known then.

    A repeat after a lost reply reads the changed place, from which no action follows any more.
    """
    budget = deps.retry_budget()

    def attempt() -> PlanOutcome:
        slot = repository.slot_of_account(deps, budget, account_id)
        if upkeep.decide_holder(deps, budget, slot):
            slot = repository.slot_of_account(deps, budget, account_id)
        now_ms = deps.now_ms()
        if news.as_of_ms is not None and news.as_of_ms > now_ms + CLOCKS_DIFFER_MS:
            raise invalid("asOf", "asOf must not be later than now.")
        actions, place, applied = step_of(slot, now_ms)
        if actions:
            deps.send("TransactWriteItems", {"TransactItems": actions})
        holder = place if place is not None and place.held(now_ms) else None
        return PlanOutcome(applied, holder, rules.newest_news_ms(place, news.plan_id, now_ms))

    return budget.until_done(attempt)
