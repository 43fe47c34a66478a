"""Change: another list in the middle of a term. Rule: what rises binds every request before the call answers.

The sale itself writes the row, its order and what is new; every other line is brought to the row afterwards
(`conform`). A repeat finishes what an earlier call has left undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.subscriptions import idempotency
from modelpass.subscriptions.commands.sell import Asked, outcome_of, sell
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.sales.change import Change

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Outcome
    from modelpass.subscriptions.orders import ChangeOrder


def change(
    deps: Deps, account_id: str, subscription_id: str, order: ChangeOrder, idempotency_key: str | None
) -> Outcome:
    """Change the list of a running subscription to the one that is wanted.

    Raises `Refused` and changes nothing: `not_found`, `idempotency_key_reused` for another body under the same key,
    `subscription_expired`, `subscription_cancelled`, `subscription_pending`, what `pricing_of_changes.price_change`
    refuses, `price_changed`, `order_pending`, and `too_many_purchases`. After `temporarily_unavailable` it may have
    been changed all the same; a repeat under the same Idempotency-Key tells.
    """
    require_version_3(deps)
    mark = None
    if idempotency_key is not None:
        mark = idempotency.mark("change", account_id, subscription_id, idempotency_key)
    asked = Asked(order.expected_total, mark, idempotency.body(order.raw))
    return outcome_of(sell(deps, account_id, subscription_id, Change(order.lines), asked))
