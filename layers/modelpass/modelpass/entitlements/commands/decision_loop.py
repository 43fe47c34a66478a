"""How authorize and settle come to their answer on one entitlement. Rule: what is answered was true in the store.

A command first tries one conditional write that needs no reading. Where its guard fails, the failure brings the stored
item back, and the command decides on that, until it has an answer or its budget of tries is used up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError, StoreRejectedError
from modelpass.entitlements import items, thresholds, transactions
from modelpass.errors import Refused
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from typing import Protocol

    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.answers import Json
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement, EntitlementId
    from modelpass.runtime.deps import Deps

    class Command(Protocol):
        """One request about one entitlement, as the loop drives it. Each method may raise `Refused`."""

        def write_at_once(self) -> Decision | None:
            """Carry the request out by one conditional write, without looking; None where it has to look first."""

        def decide(self, entitlement: Entitlement) -> Decision:
            """Answer by the entitlement as it is stored, or write a step that clears the way to an answer."""

        def refuse_missing(self) -> Json:
            """Answer where there is no such entitlement."""


_ANNOUNCE_TRIES: Final = 3


class Decision(NamedTuple):
    """An answer and the entitlement it is about; an answer of None tells that a step cleared the way to one."""

    answer: Json | None
    entitlement: Entitlement


def until_answered(deps: Deps, budget: RetryBudget, entitlement_id: EntitlementId, command: Command) -> Json:
    """Drive a command until it has an answer; thresholds that are reached are announced before it is given.

    Raises `temporarily_unavailable` when the budget is used up, and what the command raises.
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
            entitlement = items.entitlement_of(found) if found else read(deps, budget, entitlement_id)
        except StoreBusyError as failure:
            budget.busy(failure)
            if entitlement is not None:
                entitlement = read(deps, budget, entitlement_id)


def read(deps: Deps, budget: RetryBudget, entitlement_id: EntitlementId) -> Entitlement:
    """The entitlement as it is now; raises `ConditionFailedError(None)` when there is none."""
    key = items.entitlement_key(entitlement_id)
    table = deps.tables.entitlements
    stored = budget.persist(lambda: transport.get(deps.send, table, key))
    if stored is None:
        raise ConditionFailedError(None)
    return items.entitlement_of(stored)


def write(deps: Deps, budget: RetryBudget, step: Change, max_open_holds: int = 0) -> Entitlement:
    """Write a step; gives the entitlement after it. `max_open_holds` bounds the holds of a step that grants.

    The reply to an update holds the item; after a transaction it is what an exact step says, or it is read.
    Raises the failures of the store: `ConditionFailedError` when someone else came first, `StoreBusyError`.
    """
    reply = deps.send(*transactions.request_of(deps.tables, step, max_open_holds))
    if "Attributes" in reply:
        return items.entitlement_of(reply["Attributes"])
    if step.exact:
        return step.after
    return read(deps, budget, step.before.id)


def announce_thresholds(deps: Deps, budget: RetryBudget, entitlement: Entitlement) -> None:
    """Write the events of thresholds that are reached and not announced; nothing is written when there are none.

    Never changes what is answered: what cannot be written now is announced by the next request or the reset.
    """
    try:
        _announce_thresholds(deps, budget, entitlement)
    except Refused:  # no time is left
        return
    except (StoreRejectedError, schema.UnreadableItemError) as error:
        telemetry.surprised(error)


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
            entitlement = items.entitlement_of(failure.item)  # someone announced it, or opened the next window
        except StoreBusyError as failure:
            budget.busy(failure)
        else:
            return
