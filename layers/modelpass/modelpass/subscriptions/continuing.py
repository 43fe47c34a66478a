"""What keeps a subscription from renewing itself, and when its customer is reminded of its end. Rule: pure.

It is decided anew at the end of the term, at the prices of then; before, this tells what would stand in the way.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from modelpass.subscriptions.model import REMINDERS
from modelpass.times import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.entitlements.model import Limits
    from modelpass.subscriptions.model import Subscription


class Obstacle(StrEnum):
    """Why a subscription would not renew itself."""

    SUSPENDED = "suspended"
    APPROVAL_REQUIRED = "approval_required"
    NOT_SOLD = "not_sold"
    """A model or a tier of its list is offered no longer, or a limit of it is no longer allowed."""


class Reminder(NamedTuple):
    """A reminder that is due: so many days before the end, and the marks of the row once it was told."""

    days: int
    marks: int


def obstacle_in_row(found: Subscription, *, approval: bool) -> Obstacle | None:
    """What stands in the way whatever the catalogue says; `approval` tells that sales need one."""
    if found.suspension is not None:
        return Obstacle.SUSPENDED
    return Obstacle.APPROVAL_REQUIRED if approval else None


def obstacle_in_catalogue(found: Subscription, offered: Mapping[str, CatalogueModel]) -> Obstacle | None:
    """What stands in the way by the catalogue, of which `offered` has what is offered of the list to come."""
    return None if all(_is_sold(limits, offered) for limits in found.models_to_come) else Obstacle.NOT_SOLD


def reminder_at(found: Subscription, now_ms: int) -> Reminder | None:
    """The reminder that is due now; where several are, only the last of them is told."""
    due = [(bit, before) for bit, before in REMINDERS if found.expires_at_ms - before <= now_ms]
    marks = found.reminded
    for bit, _ in due:
        marks |= bit
    if marks == found.reminded:
        return None
    return Reminder(min(before for _, before in due) // DAY_MS, marks)


def _is_sold(limits: Limits, offered: Mapping[str, CatalogueModel]) -> bool:
    model = offered.get(limits.model_id)
    if model is None or limits.tier not in model.tiers:
        return False
    figures = ((limits.daily_call_limit, model.calls), (limits.monthly_cap, model.cap))
    return all(bounds.least <= figure <= bounds.most for figure, bounds in figures)
