"""What a caller asks to be done to a subscription, as plain values. Rule: well-formed, and not yet held to anything.

Whether the catalogue offers it, the account may have it, or the subscription has such a model, is decided later. `raw`
is the JSON that an order came as: a repeat under the same Idempotency-Key must equal it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier


class OrderLine(NamedTuple):
    """One model to buy: its tier, its calls a day, and its units a month."""

    model_id: str
    tier: Tier
    daily_call_limit: int
    monthly_cap: int


class PurchaseOrder(NamedTuple):
    """A custom subscription to buy, or to tell the price of."""

    lines: tuple[OrderLine, ...]
    months: int
    time_zone: str
    raw: object


class PlanOrder(NamedTuple):
    """A plan of another system that is to hold an account's place, and until when (milliseconds)."""

    plan_id: str
    until_ms: int


class CorrectionOrder(NamedTuple):
    """Units to add to what was used of a model, or to take from it, in the windows of an instant; None means now."""

    model_id: str
    units: int
    at_ms: int | None
    reason: str
    raw: object
