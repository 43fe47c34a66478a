"""Brings a subscription up to its moment: what has come about since its row was written. Rule: each is decided once.

A change that binds, and an order that lapses, need no write: the row says when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription


def bring_up(deps: Deps, budget: RetryBudget, found: Subscription) -> Subscription:
    """The subscription as it is now."""
    del budget
    return found.at(deps.now_ms())
