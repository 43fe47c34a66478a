"""Brings a subscription up to its moment: what has come about since its row was written. Rule: each is decided once.

An order that lapses and a change that binds need no write: the row says when (`Subscription.at`). A term that renews
itself is decided by the first who comes after its end, at the prices of that moment, in one transaction that everybody
else finds done: it goes on, or it has ended at its end. Until then its place is not free.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import telemetry
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions import continuation, slots, transactions
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.model import FOREVER, SlotKind

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Slot, Subscription


class BroughtUp(NamedTuple):
    """A subscription: its row as it is stored, and as it is at this moment."""

    stored: Subscription
    now: Subscription


def bring_up(deps: Deps, budget: RetryBudget, stored: Subscription) -> Subscription:
    """The subscription as it is now; raises what `decided` does."""
    return decided(deps, budget, stored).at(deps.now_ms())


def decided(deps: Deps, budget: RetryBudget, stored: Subscription) -> Subscription:
    """The row of a subscription, once it is decided whether its term goes on.

    Raises `Refused` (`temporarily_unavailable`) while that cannot be decided, because the store or one of the models
    cannot be read.
    """
    if not continuation.is_undecided(stored, deps.now_ms()):
        return stored
    return budget.until_done(partial(_decide, deps, budget, stored))


def require_decided(found: Subscription, now_ms: int) -> None:
    """Raise `ConditionFailedError`, after which a command looks again, where the term has ended since it was read."""
    if continuation.is_undecided(found, now_ms):
        raise ConditionFailedError(None)


def own_subscription(deps: Deps, budget: RetryBudget, account_id: str | None, subscription_id: str) -> BroughtUp:
    """A subscription of this account; raises `not_found` for another account's, as for one that does not exist.

    None stands for an operator, who may ask for that of any account: then the log's line names the account.
    """
    found = any_subscription(deps, budget, subscription_id, of_account=account_id)
    if account_id is None:
        telemetry.note(accountId=found.now.account_id)
    elif found.now.account_id != account_id:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    return found


def any_subscription(deps: Deps, budget: RetryBudget, subscription_id: str, of_account: str | None = None) -> BroughtUp:
    """A subscription of whichever account; raises `not_found` when there is none, or a purchase came to nothing.

    What is not `of_account`, where that is given, is not brought up.
    """
    stored = repository.any_subscription(deps, budget, subscription_id)
    if stored.is_gone(deps.now_ms()):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    if of_account not in (None, stored.account_id):
        return BroughtUp(stored, stored)
    stored = decided(deps, budget, stored)
    return BroughtUp(stored, stored.at(deps.now_ms()))


def decide_holder(deps: Deps, budget: RetryBudget, slot: Slot | None) -> bool:
    """Decide what holds a place although its term is over; True where that may have changed the place.

    One that has ended without giving its place back, as a cancellation that broke off before its end, has it no longer.
    A holder that cannot be read keeps the place. Raises `ConditionFailedError` when another writer came first.
    """
    if slot is None or slot.until_ms != FOREVER or slot.kind is not SlotKind.CUSTOM:
        return False
    try:
        stored = repository.any_subscription(deps, budget, slot.holder_id)
    except UnreadableItemError:
        return False
    now_ms = deps.now_ms()
    if continuation.is_undecided(stored, now_ms):
        decided(deps, budget, stored)
        return True
    if stored.cancelled_at_ms is None and not stored.has_ended(now_ms):
        return False
    freed = slots.write(deps.tables, stored.account_id, slot, slots.freed(slot), now_ms)
    deps.send("TransactWriteItems", {"TransactItems": freed})
    return True


def _decide(deps: Deps, budget: RetryBudget, stored: Subscription) -> Subscription:
    """Let the term go on, or end it, unless somebody has decided that since it was read; gives the row after it."""
    found, slot = repository.subscription_and_slot(deps, budget, stored.id, stored.account_id)
    if found is None:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    now_ms = deps.now_ms()
    if not continuation.is_undecided(found, now_ms):
        return found
    blocked = continuation.blocked_by(found, sale_approval=deps.sale_approval)
    offered = None
    if blocked is None and slots.is_held_by(slot, found):
        models = (line.model_id for line in found.models_to_come)
        offered = catalogue_repository.offered_for_certain(deps, budget, models)
    written = None if offered is None else continuation.continued(deps.tables, found, slot, offered, now_ms)
    if written is None:
        ended = found.ended(now_ms)
        deps.send("TransactWriteItems", transactions.end_term(deps.tables, found, ended, slot, now_ms))
        return ended
    deps.send("TransactWriteItems", transactions.sale(deps.tables, written, ()))
    return written.effect.row
