"""How authorize and settle come to an answer on one entitlement. Rule: what is answered was true in the store.

A command first tries one conditional write that needs no reading. When its guard fails, the failure brings the stored
item back, and the command decides on that, again and again until it has an answer or its budget of tries is used up.
What a command decides is its own matter: this file only reads, writes, tries again and announces thresholds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError, StoreRejectedError
from modelpass.entitlements import items, thresholds, transactions
from modelpass.errors import Refused
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.answers import Json
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement, EntitlementId
    from modelpass.runtime.deps import Deps

    class Command(Protocol):
        """One request about one entitlement, as the loop drives it.

        Each method may raise `Refused`, which ends the loop. The first two may raise `ConditionFailedError` and
        `StoreBusyError`, after which the loop goes on.
        """

        def write_at_once(self) -> Decision | None:
            """Carry the request out by one conditional write; None when the item has to be read first."""

        def decide(self, entitlement: Entitlement) -> Decision:
            """Answer by the entitlement as it is stored, having written what that takes, or clear the way by a step."""

        def refuse_missing(self) -> Json:
            """Answer, or raise `Refused`, when there is no such entitlement."""


_T = TypeVar("_T")
_ANNOUNCE_TRIES: Final = 3


class Decision(NamedTuple):
    """An answer, or None after a step that cleared the way to one; and the entitlement after what was written."""

    answer: Json | None
    entitlement: Entitlement


def until_answered(deps: Deps, budget: RetryBudget, entitlement_id: EntitlementId, command: Command) -> Json:
    """Drive a command until it has an answer. Thresholds that are reached are announced before it is returned.

    Raises `Refused`: what the command raises, and `temporarily_unavailable` when the budget is used up. Raises
    `StoreRejectedError` and `UnreadableItemError`, which are faults of ours or of the deployment.
    """
    entitlement = None
    while True:
        try:
            decision = command.write_at_once() if entitlement is None else None
            if decision is None:
                if entitlement is None:
                    entitlement = read(deps, budget, entitlement_id)
                telemetry.note(accountId=entitlement.account_id)
                decision = command.decide(entitlement)
            answer, entitlement = decision
            if answer is not None:
                telemetry.note(accountId=entitlement.account_id)
                announce_thresholds(deps, budget, entitlement)
                return answer
        except ConditionFailedError as failure:
            budget.lost_race()
            if failure.item is None and entitlement is None:
                return command.refuse_missing()
            found = failure.item
            entitlement = entitlement_of(deps, found) if found else read(deps, budget, entitlement_id)
        except StoreBusyError as failure:
            budget.busy(failure)
            if entitlement is not None:
                entitlement = read(deps, budget, entitlement_id)


def read(deps: Deps, budget: RetryBudget, entitlement_id: EntitlementId) -> Entitlement:
    """The entitlement as it is now (strongly consistent).

    Raises `ConditionFailedError` without an item when there is none, `Refused` (`temporarily_unavailable`) when the
    budget is used up.
    """
    key = items.entitlement_key(entitlement_id)
    table = deps.tables.entitlements
    stored = budget.persist(lambda: transport.get(deps.send, table, key))
    if stored is None:
        raise ConditionFailedError(None)
    return entitlement_of(deps, stored)


def entitlement_of(deps: Deps, stored: schema.Item) -> Entitlement:
    """An entitlement from its stored item; raises what reading it raises, once the item is reported."""
    return read_or_report(deps.tables.entitlements, stored, items.entitlement_of)


def read_or_report(table: str, stored: schema.Item, parse: Callable[[schema.Item], _T]) -> _T:
    """What `parse` makes of a stored item; reports the item, and raises what that raises, when it cannot be read."""
    try:
        return parse(stored)
    except Exception:
        from modelpass.runtime import unreadable  # noqa: PLC0415 - no start waits for it

        unreadable.report(table, stored)
        raise


def write(deps: Deps, budget: RetryBudget, step: Change, max_open_holds: int = 0) -> Entitlement:
    """Write a step; gives the entitlement after it. `max_open_holds` bounds the open holds after a step that grants.

    The reply to an update has the item. The reply to a transaction has not: after an exact step the item is what the
    step says, else it is read. Raises `ConditionFailedError` when another writer came first, `StoreBusyError`, and what
    `read` raises.
    """
    reply = deps.send(*transactions.request_of(deps.tables, step, max_open_holds))
    if "Attributes" in reply:
        return entitlement_of(deps, reply["Attributes"])
    if step.exact:
        return step.after
    return read(deps, budget, step.before.id)


def announce_thresholds(deps: Deps, budget: RetryBudget, entitlement: Entitlement) -> None:
    """Write the events of thresholds that are crossed upwards, and take away the marks of those crossed downwards.

    Nothing is written when there are none. Raises no failure of the store: what cannot be written now is written after
    the next request or by the reset.
    """
    try:
        _announce_thresholds(deps, budget, entitlement)
    except Refused:  # the budget is used up
        return
    except (StoreRejectedError, schema.UnreadableItemError) as error:
        telemetry.report_unexpected(error)


def _announce_thresholds(deps: Deps, budget: RetryBudget, entitlement: Entitlement) -> None:
    for _ in range(_ANNOUNCE_TRIES):
        step = thresholds.announcing_step(entitlement, deps.now_ms())
        if step is None:
            return
        try:
            deps.send(*transactions.request_of(deps.tables, step))
        except ConditionFailedError as failure:
            if failure.item is None:
                return
            entitlement = items.entitlement_of(failure.item)  # another writer announced it, or opened the next window
        except StoreBusyError as failure:
            budget.busy(failure)
        else:
            return
