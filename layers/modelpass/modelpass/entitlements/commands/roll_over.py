"""Roll over: the reset's work on one entitlement. Rule: it changes no decision that any request would get.

It closes windows that ended, gives back holds that expired, and announces thresholds that nobody has announced yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.entitlements import contract, items, rules, transactions
from modelpass.errors import temporarily_unavailable
from modelpass.runtime import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass import schema
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.commands.authorize import ReadContract
    from modelpass.runtime.deps import Deps

_STEPS: Final = 50
"""Enough to give back 1,000 holds, the highest bound, in batches of 40, with some races lost."""


def roll_over(deps: Deps, key: schema.Item, read_contract: ReadContract) -> Iterator[Change]:
    """Write what is due on the entitlement with this primary key, step by step; gives each step once it is written.

    Raises `Refused` (`temporarily_unavailable`) when more steps are due than one run takes, `StoreBusyError`, and
    `UnreadableItemError` for an item that cannot be read, which is reported.
    """
    for _ in range(_STEPS):
        stored = transport.get(deps.send, deps.tables.entitlements, key)
        if stored is None:
            return
        entitlement = unreadable.read_one(deps.tables.entitlements, stored, items.entitlement_of)
        now_ms, told = deps.now_ms(), None
        if rules.is_due(entitlement, now_ms) and contract.month_is_over(entitlement, now_ms):
            told = read_contract(deps, deps.retry_budget(), entitlement.id)
        step = rules.plan_reset(entitlement, now_ms, told)
        if step is None:
            return
        operation, request = transactions.request_of(deps.tables, step)
        try:
            deps.send(operation, request)
        except ConditionFailedError:
            continue  # another writer came first: what is still due is worked out anew
        yield step
    raise temporarily_unavailable()
