"""Roll over: the reset's work on one entitlement. Rule: changes no decision that anyone would get.

It closes windows that ended, gives back holds that expired, and announces thresholds that nobody announced yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.entitlements import items, rules, transactions
from modelpass.errors import temporarily_unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass import schema
    from modelpass.entitlements.change import Change
    from modelpass.runtime.deps import Deps


_STEPS: Final = 50  # a hold bound of 1,000, in batches of 40, and some races lost


def roll_over(deps: Deps, key: schema.Item) -> Iterator[Change]:
    """Write what is due on the entitlement with this primary key, step by step; gives each step once it is written.

    Raises `temporarily_unavailable` when more steps are due than one run takes, and `StoreBusyError`.
    """
    for _ in range(_STEPS):
        stored = transport.get(deps.send, deps.tables.entitlements, key)
        if stored is None:
            return
        step = rules.plan_reset(items.entitlement_of(stored), deps.now_ms())
        if step is None:
            return
        operation, request = transactions.request_of(deps.tables, step)
        try:
            deps.send(operation, request)
        except ConditionFailedError:
            continue  # a request came between: what is left is worked out anew
        yield step
    raise temporarily_unavailable()
