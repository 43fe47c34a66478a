"""Events about one entitlement, as rows of the outbox. Rule: pure; each is written with the change that it reports.

`docs/events.md` says what each carries, and `outbox` gives the row its form, key and id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.entitlements import items
from modelpass.outbox import EventType, Moment, Subject, put
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.entitlements.change import Announcement, Correction, FarAboveEstimate, TierBreach
    from modelpass.entitlements.model import Entitlement, Hold
    from modelpass.schema import Request, Tables


def threshold_reached(tables: Tables, entitlement: Entitlement, announcement: Announcement) -> Request:
    """The event that a share of a limit was reached; there is one for each crossing.

    Of one share and window, a mark lapses between two crossings. How often marks had lapsed tells the two apart.
    """
    threshold, entitlement_id = announcement.threshold, entitlement.id
    window = str(entitlement.month) if threshold.monthly else entitlement.day
    data = {
        "modelId": entitlement_id.model_id,
        "term": entitlement_id.term_number,
        "limit": threshold.limit,
        "percent": threshold.percent,
        "windowEndsAt": rfc3339(announcement.window_ends_at_ms),
    }
    # Before any mark lapsed, the id is that which code of before gives the one event of a share and window.
    lapses = (str(entitlement.lapses),) if entitlement.lapses else ()
    facts = (items.entitlement_pk(entitlement_id), threshold.limit, window, str(threshold.percent), *lapses)
    at = Moment(announcement.at_ms, entitlement_id.term_number, threshold.percent)
    return put(tables, EventType.THRESHOLD_REACHED, _subject(entitlement), at, data, facts)


def usage_corrected(tables: Tables, entitlement: Entitlement, correction: Correction) -> Request:
    """The event that an operator corrected what was used in the windows of an instant (`at`)."""
    data = {
        "modelId": entitlement.id.model_id,
        "term": entitlement.id.term_number,
        "units": correction.units,
        "calls": correction.calls,
        "at": rfc3339(correction.at_ms),
        "reason": correction.reason,
    }
    at = Moment(correction.made_at_ms, entitlement.id.term_number)
    return put(tables, EventType.USAGE_CORRECTED, _subject(entitlement), at, data, (correction.key,))


def hold_released(tables: Tables, entitlement: Entitlement, hold: Hold, operator: str, at_ms: int) -> Request:
    """The event that an operator has given back what a hold held; there is one for each hold."""
    entitlement_id = entitlement.id
    data = {
        "modelId": entitlement_id.model_id,
        "term": entitlement_id.term_number,
        "units": hold.units,
        "calls": hold.calls,
        "grantedAt": rfc3339(hold.granted_at_ms),
        "operatorId": operator,
    }
    facts = (items.entitlement_pk(entitlement_id), hold.key, hold.nonce)
    at = Moment(at_ms, entitlement_id.term_number)
    return put(tables, EventType.HOLD_RELEASED, _subject(entitlement), at, data, facts)


def tier_breached(tables: Tables, entitlement: Entitlement, breach: TierBreach) -> Request:
    """The event that a router served a request in another tier than the one bought; there is one for each hold."""
    hold, entitlement_id = breach.hold, entitlement.id
    data = {
        "modelId": entitlement_id.model_id,
        "term": entitlement_id.term_number,
        "channelTier": entitlement.tier_of(hold).value,
        "servedTier": breach.served_tier.value,
        "grantedAt": rfc3339(hold.granted_at_ms),
    }
    facts = (items.entitlement_pk(entitlement_id), hold.key, hold.nonce)
    at = Moment(breach.at_ms, entitlement_id.term_number)
    return put(tables, EventType.TIER_BREACHED, _subject(entitlement), at, data, facts)


def usage_far_above_estimate(tables: Tables, entitlement: Entitlement, report: FarAboveEstimate) -> Request:
    """The event that a router reported many times the units that it had estimated; there is one for each hold."""
    hold, entitlement_id = report.hold, entitlement.id
    data = {
        "modelId": entitlement_id.model_id,
        "term": entitlement_id.term_number,
        "heldUsage": hold.units,
        "actualUsage": report.used,
        "grantedAt": rfc3339(hold.granted_at_ms),
    }
    facts = (items.entitlement_pk(entitlement_id), hold.key, hold.nonce)
    at = Moment(report.at_ms, entitlement_id.term_number)
    return put(tables, EventType.USAGE_FAR_ABOVE_ESTIMATE, _subject(entitlement), at, data, facts)


def _subject(entitlement: Entitlement) -> Subject:
    return Subject(entitlement.id.subscription_id, entitlement.account_id)
