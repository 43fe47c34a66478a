"""What a caller asks a command to do, as plain values. Rule: well-formed, and checked against nothing that is stored.

Whether the catalogue offers it, the account may have it, or the subscription has such a model is decided by the
commands. `raw` is the JSON value that an order came as: a repeat under the same Idempotency-Key must equal it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier


class OrderLine(NamedTuple):
    """One model to buy: its tier, how many calls a day, and how many of its units a month."""

    model_id: str
    tier: Tier
    daily_call_limit: int
    monthly_cap: int


class PurchaseOrder(NamedTuple):
    """A custom subscription to buy, or to quote; it is bought at `expected_total` only, unless that is None.

    With `auto_renew` it renews itself, `auto_renew_months` at a time; None means the months that are bought.
    """

    lines: tuple[OrderLine, ...]
    months: int
    time_zone: str
    expected_total: str | None
    raw: object
    auto_renew: bool = False
    auto_renew_months: int | None = None
    label: str = ""


class RenewalOrder(NamedTuple):
    """A new term to begin, at `expected_total` only, unless that is None; `raw` is empty where nothing was asked."""

    expected_total: str | None
    raw: dict[str, Any]


class ExtensionOrder(NamedTuple):
    """Months to add to a running term, at `expected_total` only, unless that is None."""

    months: int
    expected_total: str | None
    raw: object


class SettingsChange(NamedTuple):
    """What to change of a subscription's settings; what is None stays as it is. An empty label takes it away."""

    auto_renew: bool | None
    auto_renew_months: int | None
    label: str | None


class ChangeOrder(NamedTuple):
    """The whole list that a running subscription shall have, at `expected_total` only, unless that is None."""

    lines: tuple[OrderLine, ...]
    expected_total: str | None
    raw: object


class TopUpOrder(NamedTuple):
    """Units to add to what a model has in the current month window, at `expected_total` only, unless that is None."""

    model_id: str
    units: int
    expected_total: str | None
    raw: object


class PlanOrder(NamedTuple):
    """A plan of another system that shall hold an account's place, and until when (milliseconds).

    `as_of_ms` is the instant that this news is from (milliseconds); None where the other system does not say.
    """

    plan_id: str
    until_ms: int
    as_of_ms: int | None


class PlanEnd(NamedTuple):
    """A plan of another system that has ended, by news of the instant `as_of_ms` (milliseconds), or of none."""

    plan_id: str
    as_of_ms: int | None


class CorrectionOrder(NamedTuple):
    """Units and calls to add to what was used of a model, or with a minus to take from it, at an instant.

    One of the two is not 0. Units count in the day and the month of the instant, calls in its day. `at_ms` is the
    instant in milliseconds; None means now.
    """

    model_id: str
    units: int
    calls: int
    at_ms: int | None
    reason: str
    raw: object
