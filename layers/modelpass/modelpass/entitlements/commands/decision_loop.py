"""How a command comes to its answer on one entitlement. Rule: what is answered was true in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError, StoreRejectedError
from modelpass.entitlements import items, thresholds, transactions
from modelpass.errors import Refused
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement, EntitlementId
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]

_TELLING_TRIES: Final = 3


def read(deps: Deps, attempts: RetryBudget, entitlement_id: EntitlementId) -> Entitlement:
    """The entitlement as it is now; raises `ConditionFailedError(None)` when there is none."""
    key = items.entitlement_key(entitlement_id)
    table = deps.tables.entitlements
    stored = attempts.persist(lambda: transport.get(deps.send, table, key))
    if stored is None:
        raise ConditionFailedError(None)
    return items.entitlement_of(stored)


def written(deps: Deps, attempts: RetryBudget, step: Change, reply: transport.Response) -> Entitlement:
    """The entitlement after a step that was written.

    An update tells it; an exact step leaves just what it was worked out to; after other transactions it is read.
    """
    if "Attributes" in reply:
        return items.entitlement_of(reply["Attributes"])
    if step.exact:
        return step.after
    return read(deps, attempts, step.before.id)


def until_answered(
    deps: Deps,
    attempts: RetryBudget,
    entitlement_id: EntitlementId,
    *,
    at_once: Callable[[], tuple[Json, Entitlement]] | None,
    decide: Callable[[Entitlement], tuple[Json | None, Entitlement]],
    missing: Callable[[], Json],
) -> Json:
    """Try `at_once`, which writes blindly; where its guard fails, `decide` on what is stored until it has an answer.

    `decide` gives an answer, or the entitlement as it is after a step that cleared the way; `missing` answers when
    there is no such entitlement. Before anything is answered, thresholds that are reached are told. Ends with
    `temporarily_unavailable` when the attempts are used up.
    """
    entitlement = None
    while True:
        try:
            if entitlement is None and at_once is not None:
                answer, entitlement = at_once()
                telemetry.note(accountId=entitlement.account_id)
                tell_thresholds(deps, attempts, entitlement)
                return answer
            if entitlement is None:
                entitlement = read(deps, attempts, entitlement_id)
            telemetry.note(accountId=entitlement.account_id)
            decision, entitlement = decide(entitlement)
            if decision is not None:
                tell_thresholds(deps, attempts, entitlement)
                return decision
        except ConditionFailedError as failure:
            attempts.lost_race()
            if failure.item is None and entitlement is None:
                return missing()
            found = failure.item
            entitlement = items.entitlement_of(found) if found else read(deps, attempts, entitlement_id)
        except StoreBusyError as failure:
            attempts.busy(failure)
            if entitlement is not None:
                entitlement = read(deps, attempts, entitlement_id)


def tell_thresholds(deps: Deps, attempts: RetryBudget, entitlement: Entitlement) -> None:
    """Tell what the entitlement has reached and nobody has told; writes nothing when there is nothing to tell.

    Never changes what is answered: what cannot be told now is told by the next request or the reset.
    """
    try:
        _tell_thresholds(deps, attempts, entitlement)
    except Refused:  # no time is left
        return
    except (StoreRejectedError, schema.UnreadableItemError) as error:
        telemetry.surprised(error)


def _tell_thresholds(deps: Deps, attempts: RetryBudget, entitlement: Entitlement) -> None:
    for _ in range(_TELLING_TRIES):
        step = thresholds.to_tell(entitlement, deps.now_ms())
        if step is None:
            return
        try:
            deps.send(*transactions.request_of(deps.tables, step))
        except ConditionFailedError as failure:
            if failure.item is None:
                return
            entitlement = items.entitlement_of(failure.item)  # someone told it, or opened the next window
        except StoreBusyError as failure:
            attempts.busy(failure)
        else:
            return
