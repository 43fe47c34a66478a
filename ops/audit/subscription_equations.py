"""The equations of a subscription: its terms, its key, its account's place, its events. Rule: pure; reads nothing.

They compare several items, so they hold at any one moment: a caller who has read the items one after the other reads
them again before it reports a breach.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from modelpass.entitlements import windows
from modelpass.entitlements.contract import month_is_over
from modelpass.entitlements.model import EntitlementId
from modelpass.outbox import EventType
from modelpass.subscriptions.model import (
    FOREVER,
    MAX_NEW_KEYS_PER_DAY,
    MAX_PURCHASES_PER_DAY,
    MAX_SALES_PER_DAY,
    OrderKind,
    SlotKind,
)
from modelpass.times import instant_ms, rfc3339
from ops.audit.breaches import Breach, Equation, compared, named, unless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.entitlements.model import Entitlement, Limits, Term
    from modelpass.subscriptions.model import Slot, SoldTerm, Subscription
    from ops.audit.breaches import Facts
    from ops.audit.rows import Readings

CLOCKS_DIFFER_MS: Final = 5_000
"""A term that ends within this time may have ended already by the clock of the function that gave the place away."""
_OF_TERMS: Final = (
    EventType.PURCHASED,
    EventType.RENEWED,
    EventType.EXPIRED,
    EventType.CANCELLED,
    EventType.KEY_REGENERATED,
    EventType.KEY_REVOKED,
)
_OF_KEYS: Final = (EventType.KEY_REGENERATED, EventType.KEY_REVOKED)


def terms(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """Every term has its row, none begins before the one before it ended, and the newest is the current one."""
    who, newest = subscription.id, _terms_begun(subscription)
    numbers = sorted(found.terms)
    yield from unless(numbers == [*range(1, newest + 1)], Equation.TERMS, who, f"terms 1 to {newest}", numbers)
    same = not newest or _is_current(found.terms.get(newest), subscription)
    yield from unless(same, Equation.TERMS, who, f"term {newest} as the subscription has it", "another")
    for earlier, later in pairwise(numbers):
        ends_ms, starts_ms = found.terms[earlier].term.ends_at_ms, found.terms[later].term.starts_at_ms
        yield from unless(starts_ms >= ends_ms, Equation.TERMS, who, f"term {later} from {ends_ms}", starts_ms)


def sold(found: Readings, subscription: Subscription, now_ms: int) -> Iterator[Breach]:
    """Every model of every term has an entitlement with what was sold, and there are no others.

    Its term may have been extended since its last window was opened. Its limits are known while the list was never
    changed and, in the current term, once it has the newest list: it gets that with the next month, where the stored
    one is over.
    """
    wanted: dict[EntitlementId, Term] = {}
    for one in found.terms.values():
        wanted |= dict.fromkeys(one.entitlement_ids(subscription.id), one.term)
    for entitlement_id, term in wanted.items():
        who, there = named(entitlement_id), found.entitlements.get(entitlement_id)
        if there is None:
            yield Breach(Equation.SOLD, who, "an entitlement", "none")
            continue
        account_id, bought = subscription.account_id, _line_of(subscription, there, now_ms)
        yield from unless(there.account_id == account_id, Equation.SOLD, who, f"account {account_id}", there.account_id)
        yield from unless(_is_of_term(there, term), Equation.SOLD, who, term, there.term)
        yield from unless(bought in (None, there.limits), Equation.SOLD, who, bought, there.limits)
    others = sorted(named(i) for i in {*found.entitlements, *found.beside} - set(wanted))
    yield from unless(not others, Equation.SOLD, subscription.id, "nothing of what was not sold", ", ".join(others))


def key(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """Entitlements of the current term have its key, unless a new one is on its way; those of earlier terms none.

    Those of models that have left the list are told of no new key: they get it when they come back. Nor does a renewal
    take the key out of them: whoever asks with it is told by the row. No change has reached what was never in a change.
    """
    under_way = subscription.key_pending or _stopping(subscription)
    listed = {limits.model_id for limits in subscription.models}
    for there in found.entitlements.values():
        if there.id.term_number < subscription.term_number:
            stale = there.key_hash is None or there.change_number > 0
            yield from unless(stale, Equation.KEY, named(there.id), "no key", "one")
        elif not under_way and there.id.model_id in listed:
            same = there.key_hash == subscription.key_hash
            yield from unless(same, Equation.KEY, named(there.id), "the key of the subscription", "another")


def stopped(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """All entitlements of a cancelled term stop at its instant, and those of a suspended one since it is suspended.

    While it is being cancelled, suspended or resumed, some may have stopped. Those of models that have left the list
    are told no more: the row refuses them.
    """
    at_ms, begun_ms, suspension = subscription.cancelled_at_ms, subscription.cancelling_at_ms, subscription.suspension
    ended = at_ms is not None or begun_ms is not None
    suspended_ms = None if suspension is None or ended else suspension.at_ms
    expected = f"stopped at {at_ms or begun_ms or suspended_ms}"
    listed = {limits.model_id for limits in subscription.models}
    for there in _current(found, subscription):
        if there.id.model_id not in listed:
            continue
        stands = {(at_ms or suspended_ms, suspended_ms is not None)}
        if begun_ms is not None:
            stands = {(None, False), (begun_ms, False)}
        under_way = there.suspended and (subscription.change_pending or begun_ms is not None)
        fits = (there.cancelled_at_ms, there.suspended) in stands or under_way
        fits = fits or (subscription.change_pending and there.cancelled_at_ms is None)
        yield from unless(fits, Equation.STOPPED, named(there.id), expected, there.cancelled_at_ms)


def state(subscription: Subscription) -> Iterator[Breach]:
    """A subscription is due at its end until its expiry is recorded, and while a key or a cancellation is under way.

    A cancellation is under way beside the instant it was told for while something could not be read. The new keys of a
    day are within their bound.
    """
    who, due_at_ms = subscription.id, subscription.due_at_ms
    begun = subscription.key_pending or subscription.change_pending or subscription.cancelling_at_ms is not None
    if subscription.cancelled_at_ms is not None and subscription.cancelling_at_ms is None:
        fits, expected = not begun and due_at_ms is None, "nothing due, for it is cancelled"
    elif begun:
        fits, expected = due_at_ms is not None, "a due mark, for something is under way"
    else:
        next_ms = subscription.next_due_ms(0)
        fits, expected = due_at_ms == next_ms, f"due at {next_ms}"
    yield from unless(fits, Equation.STATE, who, expected, due_at_ms)
    few, most = 0 <= subscription.new_keys <= MAX_NEW_KEYS_PER_DAY, f"new keys of a day up to {MAX_NEW_KEYS_PER_DAY}"
    yield from unless(few, Equation.STATE, who, most, subscription.new_keys)


def place(found: Readings, subscription: Subscription, now_ms: int) -> Iterator[Breach]:
    """An active subscription holds its account's one place until its end; a cancelled one has given it back."""
    who, slot = subscription.id, found.slot
    until_ms = None
    if slot is not None and (slot.kind, slot.holder_id) == (SlotKind.CUSTOM, subscription.id):
        until_ms = slot.until_ms or None
    if subscription.cancelled_at_ms is not None:
        yield from unless(until_ms is None, Equation.PLACE, who, "the place given back", until_ms)
        return
    held_ms = _held_until_ms(subscription)
    if until_ms is not None or (_holds_place(subscription, now_ms) and now_ms + CLOCKS_DIFFER_MS < max(held_ms)):
        expected = f"the place held until {min(held_ms)}"
        yield from unless(until_ms in held_ms, Equation.PLACE, who, expected, until_ms)


def slot(account_id: str, slot: Slot) -> Iterator[Breach]:
    """Only a place that a plan holds is due, when the plan ends; the purchases of a day are within their bound."""
    due_at_ms = slot.until_ms if slot.kind is SlotKind.PLAN and slot.until_ms else None
    fits = slot.due_at_ms == due_at_ms
    yield from unless(fits, Equation.STATE, f"place of {account_id}", f"due at {due_at_ms}", slot.due_at_ms)
    few, most = 0 <= slot.purchases <= MAX_PURCHASES_PER_DAY, f"purchases of a day up to {MAX_PURCHASES_PER_DAY}"
    yield from unless(few, Equation.STATE, f"place of {account_id}", most, slot.purchases)
    few, most = 0 <= slot.sales <= MAX_SALES_PER_DAY, f"sales of a day up to {MAX_SALES_PER_DAY}"
    yield from unless(few, Equation.STATE, f"place of {account_id}", most, slot.sales)


def listed(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """The account's list has the subscription once."""
    yield from unless(found.listed == 1, Equation.LIST, subscription.id, "one entry in the list", found.listed)


def events(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """Everything that happened to the subscription has one event, and there is no other event of its terms and keys."""
    newest = _terms_begun(subscription)
    expected: Facts = Counter({(EventType.PURCHASED.value, 1): min(newest, 1)})
    expected.update((EventType.RENEWED.value, number) for number in range(2, newest + 1))
    expected.update((EventType.EXPIRED.value, number) for number in range(1, newest))
    if newest and subscription.cancelled_at_ms is not None:
        expected[EventType.CANCELLED.value, newest] += 1
    elif newest and subscription.end_announced:
        expected[EventType.EXPIRED.value, newest] += 1
    stored_facts: Facts = Counter((e.type, e.data["term"]) for e in found.events if e.type in _OF_TERMS)
    keys_replaced = sum(stored_facts.pop(fact) for fact in [*stored_facts] if fact[0] in _OF_KEYS)
    yield from compared(Equation.EVENTS, subscription.id, expected, stored_facts)
    made = subscription.key_generation
    expected_of_keys = f"key.regenerated or key.revoked {made} times"
    yield from unless(keys_replaced == made, Equation.EVENTS, subscription.id, expected_of_keys, keys_replaced)


def corrections(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """Every record of a correction has its event, lies in its term, and is part of what was used."""
    recorded: Facts = Counter()
    for entitlement_id, beside in found.beside.items():
        there, total = found.entitlements.get(entitlement_id), sum(c.units for c in beside.corrections)
        for made in beside.corrections:
            of, at = (entitlement_id.model_id, entitlement_id.term_number), rfc3339(made.at_ms)
            fact = (*of, made.units, made.calls, at)
            recorded[fact] += 1
        if there is None or not beside.corrections:
            continue
        inside = all(there.term.starts_at_ms <= c.at_ms < there.term.ends_at_ms for c in beside.corrections)
        yield from unless(
            inside, Equation.CORRECTIONS, named(there.id), "corrections of its term", "one of another time"
        )
        used = there.counters.month_used + sum(row.used for row in beside.months.values())
        fits = used >= total
        yield from unless(fits, Equation.CORRECTIONS, named(there.id), f"units used, with {total} corrected", used)
    stored_facts: Facts = Counter(
        (e.data["modelId"], e.data["term"], e.data["units"], e.data.get("calls", 0), e.data["at"])
        for e in found.events
        if e.type == EventType.USAGE_CORRECTED
    )
    yield from compared(Equation.CORRECTIONS, subscription.id, recorded, stored_facts)


def thresholds(found: Readings, entitlement: Entitlement) -> Iterator[Breach]:
    """Every threshold that is marked as announced in a stored window has its event."""
    window = windows.stored_segment(entitlement)
    announced = {
        (e.data["limit"], e.data["percent"])
        for e in found.events
        if e.type == EventType.THRESHOLD_REACHED
        and EntitlementId(found.id, e.data["term"], e.data["modelId"]) == entitlement.id
        and (instant_ms(e.data["windowEndsAt"]) or 0)
        > (window.month_start_ms if e.data["limit"] == "monthly" else window.day_start_ms)
    }
    for mark in sorted(entitlement.announced, key=lambda t: t.bit):
        fits = (mark.limit, mark.percent) in announced
        yield from unless(
            fits, Equation.THRESHOLDS, named(entitlement.id), f"{mark.limit} {mark.percent} % told", "no event"
        )


def _terms_begun(subscription: Subscription) -> int:
    """How many terms have begun: none of a purchase that waits for its confirmation, or was never confirmed."""
    return 0 if subscription.is_pending or subscription.withdrawn else subscription.term_number


def _is_current(there: SoldTerm | None, subscription: Subscription) -> bool:
    """Whether a row of the history is that of the current term, at its prices unless more was charged since.

    A change adds models to it, an extension months, and both a charge to what the subscription's row says.
    """
    if there is None or there.term != subscription.term:
        return False
    own = subscription.sold_term()
    if subscription.change_number or subscription.sale is None or subscription.sale.totals is not None:
        return {model_id for model_id, _ in own.models} <= {model_id for model_id, _ in there.models}
    return (there.models, there.sale) == (own.models, own.sale)


def _line_of(subscription: Subscription, there: Entitlement, now_ms: int) -> Limits | None:
    """The limits that an entitlement must have; None where that is not known."""
    change, lines = subscription.pending_change, subscription.models
    if subscription.change_number:
        current = there.id.term_number == subscription.term_number
        if not current or subscription.change_pending or there.change_number < subscription.change_number:
            return None
        if month_is_over(there, now_ms + CLOCKS_DIFFER_MS):
            return None
        if change is not None and change.binds_at_ms <= there.month_start_ms:
            lines = change.models
    return next((limits for limits in lines if limits.model_id == there.id.model_id), None)


def _is_of_term(there: Entitlement, term: Term) -> bool:
    """Whether an entitlement is of a term, as long as that is now, or as it was before it was extended."""
    own = there.term
    same = (own.starts_at_ms, own.time_zone) == (term.starts_at_ms, term.time_zone)
    return own == term or (same and own.months < term.months and own.ends_at_ms < term.ends_at_ms)


def _holds_place(subscription: Subscription, now_ms: int) -> bool:
    """Whether a subscription has to hold its account's place: while its term runs, or an order to begin one waits."""
    waiting = subscription.pending_order
    if waiting is not None and waiting.kind in (OrderKind.PURCHASE, OrderKind.RENEWAL):
        return now_ms < waiting.lapses_at_ms
    return not subscription.withdrawn and not subscription.has_ended(now_ms)


def _held_until_ms(subscription: Subscription) -> set[int]:
    """Until when a subscription may hold the place: its order, or its end; one that renews itself, for ever."""
    waiting = subscription.pending_order
    if waiting is not None and waiting.kind in (OrderKind.PURCHASE, OrderKind.RENEWAL):
        return {waiting.lapses_at_ms}
    if not subscription.auto_renew:
        return {subscription.expires_at_ms}
    return {FOREVER} if subscription.suspension is None else {FOREVER, subscription.expires_at_ms}


def _current(found: Readings, subscription: Subscription) -> list[Entitlement]:
    return [e for e in found.entitlements.values() if e.id.term_number == subscription.term_number]


def _stopping(subscription: Subscription) -> bool:
    """Whether the term is cancelled or being cancelled: then it no longer waits for a key that was on its way."""
    return subscription.cancelled_at_ms is not None or subscription.cancelling_at_ms is not None


OF_THE_FAMILY: Final[tuple[Callable[[Readings, Subscription], Iterator[Breach]], ...]] = (
    *(terms, key, stopped, listed, events, corrections),
)
