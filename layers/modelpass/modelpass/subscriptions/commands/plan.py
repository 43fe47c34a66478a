"""Plan: note that a plan of another system is active or has ended. Rule: it needs the place that a subscription needs.

Nothing is known of a plan but its id and until when it is active. When that time is over, the place is free without any
write; the event of its end is written by the next change of the place, or by the reset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.errors import invalid, raise_if_refused
from modelpass.subscriptions import events, rules, slots
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.model import SlotKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request
    from modelpass.subscriptions.model import Slot
    from modelpass.subscriptions.orders import PlanOrder


def set_plan(deps: Deps, account_id: str, order: PlanOrder) -> None:
    """Let a plan hold the account's place until the order's time; if it holds it already, only its end is moved.

    Raises `Refused`: `active_subscription_exists` when another plan or a custom subscription holds the place, and
    `invalid_request` for a time that is not later than now.
    """
    plan_id, until_ms = order

    def actions(slot: Slot | None, now_ms: int) -> list[Request]:
        if until_ms <= now_ms:
            raise invalid("expiresAt", "expiresAt must be later than now.")
        place = slots.planned(slot, plan_id, until_ms)
        if slot is not None and slot.held(now_ms) and (slot.kind, slot.holder_id) == (SlotKind.PLAN, plan_id):
            return slots.write(deps.tables, account_id, slot, place, now_ms) if slot.until_ms != until_ms else []
        raise_if_refused(rules.refuse_place(slot, now_ms))
        started = events.plan_started(deps.tables, account_id, place, now_ms)
        return [*slots.write(deps.tables, account_id, slot, place, now_ms), {"Put": started}]

    _change(deps, account_id, actions)


def end_plan(deps: Deps, account_id: str) -> None:
    """Free the account's place if a plan holds it; otherwise change nothing."""

    def actions(slot: Slot | None, now_ms: int) -> list[Request]:
        if slot is None or slot.kind is not SlotKind.PLAN or not slot.held(now_ms):
            return []
        ended = events.plan_ended(deps.tables, account_id, slot, now_ms)
        return [*slots.write(deps.tables, account_id, slot, slots.freed(slot), now_ms), {"Put": ended}]

    _change(deps, account_id, actions)


def _change(deps: Deps, account_id: str, actions_of: Callable[[Slot | None, int], list[Request]]) -> None:
    """Write the actions that follow from the place as it is read; none when there is nothing to change.

    A repeat after a lost reply reads the changed place, from which no action follows any more.
    """
    budget = deps.retry_budget()

    def attempt() -> None:
        slot = repository.slot_of_account(deps, budget, account_id)
        actions = actions_of(slot, deps.now_ms())
        if actions:
            deps.send("TransactWriteItems", {"TransactItems": actions})

    budget.until_done(attempt)
