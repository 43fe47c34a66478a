"""Whether and how a subscription renews itself at the end of its term. Rule: pure; decided once, by the clock alone.

It goes on by as many of its periods as it takes to reach the moment of the decision, in one order, at the prices of
that moment: same term, key and windows. Where a line is not offered any more, in its tier and with its limits, the term
ended at its end. Nothing renews itself while it is suspended, or where sales have to be approved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.errors import ErrorCode, Refused
from modelpass.subscriptions import pricing, transactions
from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.order_records import BY_SERVICE
from modelpass.subscriptions.sales.extension import Extension, extended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.schema import Tables
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.transactions import SaleWritten

APPROVAL = "sale_approval_required"
"""What stands in the way of a renewal where sales have to be approved."""
LIMITS = "limits_not_offered"
"""What stands in the way where a limit of the list is not sold any more."""


def is_undecided(found: Subscription, now_ms: int) -> bool:
    """Whether a term that renews itself is over, and nobody has decided yet whether it goes on."""
    stopped = found.cancelled_at_ms is not None or found.cancelling_at_ms is not None
    settled = stopped or found.is_pending or found.withdrawn or found.end_announced
    return found.auto_renew and not settled and now_ms >= found.expires_at_ms


def blocked_by(found: Subscription, *, sale_approval: bool) -> str | None:
    """What keeps a subscription from renewing itself, whatever the catalogue offers; None where nothing does."""
    if found.suspension is not None:
        return ErrorCode.SUBSCRIPTION_SUSPENDED.code
    return APPROVAL if sale_approval else None


def not_offered(found: Subscription, offered: Mapping[str, CatalogueModel]) -> str | None:
    """What of the list to come is not sold any more, a model, a tier or limits; None where all of it is."""
    try:
        pricing.require_offered(offered, found.models_to_come)
    except Refused as refused:
        code = refused.refusal.code
        return LIMITS if code is ErrorCode.INVALID_REQUEST else code.code
    return None


def continued(
    tables: Tables, stored: Subscription, slot: Slot | None, offered: Mapping[str, CatalogueModel], now_ms: int
) -> SaleWritten | None:
    """What the transaction writes by which a term goes on; None where it cannot, because something is not sold."""
    if not_offered(stored, offered) is not None:
        return None
    found = stored.at(now_ms)
    kind = Extension(_months(found, now_ms), OrderKind.RENEWAL, BY_SERVICE)
    order = kind.order(found, offered, now_ms)
    effect = kind.effect(tables, found, slot, order, now_ms)
    row = effect.row.counted(order.number, tables.version, now_ms)
    return transactions.SaleWritten(stored, slot, effect._replace(row=row), order, None, now_ms)


def _months(found: Subscription, now_ms: int) -> int:
    """The fewest whole periods that lead beyond this moment, in months."""
    months = found.months_to_continue
    while extended(found.term, months).ends_at_ms <= now_ms:
        months += found.months_to_continue
    return months
