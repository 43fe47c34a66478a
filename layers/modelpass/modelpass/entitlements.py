"""How a command comes to its answer on one entitlement. Rule: what is answered was true in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass import items, store
from modelpass.store import ConditionFailedError, StoreBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.attempts import Attempts
    from modelpass.changes import Change
    from modelpass.deps import Deps
    from modelpass.model import Entitlement, EntitlementId

Json = dict[str, Any]


def read(deps: Deps, attempts: Attempts, entitlement_id: EntitlementId) -> Entitlement:
    """The entitlement as it is now; raises `ConditionFailedError(None)` when there is none."""
    key = items.entitlement_key(entitlement_id)
    table = deps.tables.entitlements
    stored = attempts.persist(lambda: store.get(deps.send, table, key))
    if stored is None:
        raise ConditionFailedError(None)
    return items.entitlement_of(stored)


def written(deps: Deps, attempts: Attempts, step: Change, reply: store.Response) -> Entitlement:
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
    attempts: Attempts,
    entitlement_id: EntitlementId,
    *,
    at_once: Callable[[], Json] | None,
    decide: Callable[[Entitlement], tuple[Json | None, Entitlement]],
    missing: Callable[[], Json],
) -> Json:
    """Try `at_once`, which writes blindly; where its guard fails, `decide` on what is stored until it has an answer.

    `decide` gives an answer, or the entitlement as it is after a step that cleared the way; `missing` answers when
    there is no such entitlement. Ends with `temporarily_unavailable` when the attempts are used up.
    """
    entitlement = None
    while True:
        try:
            if entitlement is None and at_once is not None:
                return at_once()
            if entitlement is None:
                entitlement = read(deps, attempts, entitlement_id)
            answer, entitlement = decide(entitlement)
            if answer is not None:
                return answer
        except ConditionFailedError as failure:
            attempts.lost_race()
            if failure.item is None and entitlement is None:
                return missing()
            found = failure.item
            entitlement = items.entitlement_of(found) if found else read(deps, attempts, entitlement_id)
        except StoreBusyError:
            attempts.busy()
            if entitlement is not None:
                entitlement = read(deps, attempts, entitlement_id)
