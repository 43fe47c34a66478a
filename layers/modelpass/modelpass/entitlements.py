"""Reading an entitlement, and what it is after a step. Rule: what is answered was true in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import items, store
from modelpass.store import ConditionFailedError

if TYPE_CHECKING:
    from modelpass.attempts import Attempts
    from modelpass.changes import Change
    from modelpass.deps import Deps
    from modelpass.model import Entitlement, EntitlementId


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
