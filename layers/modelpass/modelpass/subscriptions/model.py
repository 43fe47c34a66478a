"""What an account bought, as immutable values. Rule: pure; data and what follows from it alone, and no refusals.

Who may buy, renew or get a key is decided in `rules`. All times are in milliseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.entitlements.model import EntitlementId
from modelpass.schema import NEWEST
from modelpass.times import DAY_MS

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Limits, Term

MAX_MODELS: Final = 40
"""How many models a subscription may have."""
MAX_MONTHS: Final = 12
"""How many months a term may have."""
MAX_PURCHASES_PER_DAY: Final = 10
"""How many purchases an account may make in a UTC day."""
MAX_SALES_PER_DAY: Final = 100
"""How many sales of any kind an account may have in a UTC day, its purchases among them."""
MAX_LABEL: Final = 64
"""How many characters a label may have."""
FOREVER: Final = 10**15 - 1
"""Until when the place of a subscription that renews itself is held: whoever wants it decides the renewal first."""
REMINDERS: Final = ((1, 7 * DAY_MS), (2, DAY_MS))
"""How long before its end a term's customer is reminded (milliseconds), each with the bit that says it was done."""
MAX_NEW_KEYS_PER_DAY: Final = 100
"""How often the key of a subscription may be regenerated in a UTC day."""


class Status(StrEnum):
    """What a subscription is at the moment of asking."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class SlotKind(StrEnum):
    """What may hold an account's one place."""

    PLAN = "plan"
    CUSTOM = "custom"


class OrderKind(StrEnum):
    """What an order buys."""

    PURCHASE = "purchase"
    RENEWAL = "renewal"
    EXTENSION = "extension"
    CHANGE = "change"
    TOP_UP = "top_up"


class Sale(NamedTuple):
    """What the lines of a list were sold for, in their order, as decimal strings.

    `monthly` is the price of a month. `totals` is all that was charged for the line in the term; None where that is a
    month's price for each month of the term.
    """

    currency: str
    monthly: tuple[str, ...]
    totals: tuple[str, ...] | None = None


class SoldTerm(NamedTuple):
    """A term as the history keeps it: when it was, each of its models with its tier, and their prices.

    `models` are all that were in it at any time. `sale` is what those were sold for that it began with, in the same
    order, for `sold_months`: the months it has now, where that is None. It is None for a term that was sold before
    prices were kept.
    """

    number: int
    term: Term
    models: tuple[tuple[str, Tier], ...]
    sale: Sale | None
    sold_months: int | None = None

    def entitlement_ids(self, subscription_id: str) -> tuple[EntitlementId, ...]:
        """The entitlements of the term, in the order they were bought."""
        return tuple(EntitlementId(subscription_id, self.number, model_id) for model_id, _ in self.models)


class PendingChange(NamedTuple):
    """The list that will be in force from an instant on (milliseconds), whole, with what its lines are sold for."""

    binds_at_ms: int
    models: tuple[Limits, ...]
    sale: Sale


class TopUps(NamedTuple):
    """How many units of which models were bought beside their caps for one month window, which ends at `until_ms`."""

    until_ms: int
    units: tuple[tuple[str, int], ...]


class Suspension(NamedTuple):
    """Since when (milliseconds) an operator has suspended a subscription, who, and why."""

    at_ms: int
    operator: str
    reason: str


class PendingOrder(NamedTuple):
    """An order of a subscription that waits for its confirmation, by its number, until an instant (milliseconds).

    Of a renewal, it has the key of the term that would begin; of any other order, None.
    """

    number: int
    kind: OrderKind
    lapses_at_ms: int
    key_hash: bytes | None = None
    key_tail: str | None = None


class Subscription(NamedTuple):
    """A subscription's row: what was bought, and its current term.

    `key_generation` counts the keys that were made by regeneration; `key_tail` is empty while the key is revoked. Three
    changes begin in this row before they reach the entitlements: while `key_pending` is set, the row's key has still to
    be written to them, while `cancelling_at_ms` is set, they have still to be stopped, and while `change_pending` is
    set, they have still to get the row's list, or to be stopped or resumed. A repeat of the call or the reset finishes
    each. `change_number` counts the changes of the last kind.

    `due_at_ms` is when the reset has work on the row (`next_due_ms`); it is None once the row is cancelled or its end
    was announced. `announced` says the latter where something else is due. `renewal_digest` and `renewal_body` tell a
    repeat of the renewal that began the current term: digests of its Idempotency-Key and of its body, None where it had
    none. `new_keys` counts the keys made by regeneration on `new_key_day`, which counts UTC days from 1970-01-01.

    `sold_months` are those of the last purchase or renewal by hand, None where they are the term's. With `auto_renew`
    the term goes on at its end, by `auto_renew_months` (None: `months_to_renew`). `pending_change` is a list that is
    not in force yet, `top_ups` is what was bought beside the caps of the current month. `orders` counts the orders of
    the subscription, of which one may wait (`pending_order`). `reminded` has the bits of the `REMINDERS` that were
    given of the current end. `withdrawn` says that it was a purchase which nobody confirmed: its row stays to answer a
    repeat. `version` is the schema version of the stored row.
    """

    id: str
    account_id: str
    term_number: int
    term: Term
    created_at_ms: int
    cancelled_at_ms: int | None
    cancelling_at_ms: int | None
    key_hash: bytes
    key_tail: str
    key_generation: int
    key_pending: bool
    models: tuple[Limits, ...]
    sale: Sale | None
    body_digest: bytes | None
    renewal_digest: bytes | None
    renewal_body: bytes | None
    due_at_ms: int | None
    new_key_day: int = 0
    new_keys: int = 0
    sold_months: int | None = None
    auto_renew: bool = False
    auto_renew_months: int | None = None
    label: str = ""
    pending_change: PendingChange | None = None
    change_number: int = 0
    change_pending: bool = False
    suspension: Suspension | None = None
    orders: int = 0
    pending_order: PendingOrder | None = None
    reminded: int = 0
    withdrawn: bool = False
    announced: bool = False
    version: int = NEWEST
    top_ups: TopUps | None = None

    @property
    def expires_at_ms(self) -> int:
        """The instant the current term ends."""
        return self.term.ends_at_ms

    @property
    def months_to_renew(self) -> int:
        """How many months a renewal by hand sells: those of the last purchase or renewal by hand."""
        return self.sold_months or self.term.months

    @property
    def months_to_continue(self) -> int:
        """How many months a renewal by itself sells at a time."""
        return self.auto_renew_months or self.months_to_renew

    @property
    def models_to_come(self) -> tuple[Limits, ...]:
        """The list that is in force once the changes that wait are."""
        return self.models if self.pending_change is None else self.pending_change.models

    @property
    def sale_to_come(self) -> Sale | None:
        """What the lines of `models_to_come` were sold for."""
        return self.sale if self.pending_change is None else self.pending_change.sale

    def at(self, now_ms: int) -> Subscription:
        """The subscription as the clock has it: an order that has lapsed waits no longer, and a change binds.

        A change that would bind at the end of the term waits for what follows it.
        """
        found = self
        waiting, change = found.pending_order, found.pending_change
        if waiting is not None and waiting.kind is not OrderKind.PURCHASE and waiting.lapses_at_ms <= now_ms:
            found = found._replace(pending_order=None)
        if change is not None and change.binds_at_ms <= now_ms and change.binds_at_ms < found.expires_at_ms:
            found = found._replace(models=change.models, sale=change.sale, pending_change=None)
        if found.top_ups is not None and found.top_ups.until_ms <= now_ms:
            found = found._replace(top_ups=None)
        return found

    def topped_up(self, model_id: str, now_ms: int) -> int:
        """How many units of a model were bought for the month window of this moment, beside its cap."""
        top_ups = self.at(now_ms).top_ups
        return 0 if top_ups is None else dict(top_ups.units).get(model_id, 0)

    def is_gone(self, now_ms: int) -> bool:
        """Whether it was a purchase that nobody confirmed in time, or that was rejected or withdrawn."""
        waiting = self.pending_order
        lapsed = waiting is not None and waiting.kind is OrderKind.PURCHASE and waiting.lapses_at_ms <= now_ms
        return self.withdrawn or lapsed

    @property
    def is_pending(self) -> bool:
        """Whether it is a purchase that waits for its confirmation: it has no term and no entitlements yet."""
        return self.pending_order is not None and self.pending_order.kind is OrderKind.PURCHASE

    def has_ended(self, now_ms: int) -> bool:
        """Whether the term is over by the clock, or its end was announced."""
        return not self.is_pending and (now_ms >= self.expires_at_ms or self.end_announced)

    @property
    def end_announced(self) -> bool:
        """Whether the end of the current term was announced, after which it never goes on."""
        return self.announced or self.due_at_ms is None

    def status(self, now_ms: int) -> Status:
        """The status at this moment: the first that is true of cancelled, suspended, expired and pending.

        A cancelled subscription never becomes expired, nor an expired one cancelled.
        """
        ended = self.has_ended(now_ms)
        if self.cancelled_at_ms is not None or (ended and self.cancelling_at_ms is not None):
            return Status.CANCELLED
        if self.suspension is not None:
            return Status.SUSPENDED
        if ended:
            return Status.EXPIRED
        return Status.PENDING if self.is_pending else Status.ACTIVE

    def counted(self, order_number: int, version: int, now_ms: int) -> Subscription:
        """The row with its newest order, as code writes it that writes this schema version; due when it has work."""
        row = self._replace(orders=order_number, version=max(self.version, version))
        return row._replace(due_at_ms=row.next_due_ms(now_ms))

    def ended(self, now_ms: int) -> Subscription:
        """The row once the end of its term is announced.

        What was on its way to the entitlements has no work left: nothing of a term that has ended is good.
        """
        row = self._replace(announced=True, key_pending=False, change_pending=False)
        return row._replace(due_at_ms=row.next_due_ms(now_ms))

    def next_due_ms(self, now_ms: int) -> int | None:
        """When the reset has work on the row (milliseconds); None where nothing will ever be left to do.

        It has at once what was begun and not finished; an order that waits is due by itself. Only rows of the newest
        schema version are due for reminders: code of the version before takes the row's time for the end of its term.
        """
        if self.key_pending or self.change_pending or self.cancelling_at_ms is not None:
            return now_ms
        if self.cancelled_at_ms is not None or self.withdrawn:
            return None
        due = []
        if not self.is_pending and not self.end_announced:
            due.append(self.expires_at_ms)
            if self.version == NEWEST:
                due += [self.expires_at_ms - before for bit, before in REMINDERS if not self.reminded & bit]
        return min(due, default=None)

    def written_as(self, version: int) -> Subscription:
        """The row once it is written under a schema version: one that is brought to the newest has its reminders due.

        What is due at once, or was put off, stays so.
        """
        if self.version >= version:
            return self
        new, due_at_ms = self._replace(version=version), self.due_at_ms or 0
        if self.due_at_ms != self.next_due_ms(due_at_ms):
            return new
        return new._replace(due_at_ms=new.next_due_ms(due_at_ms))

    def sold_term(self) -> SoldTerm:
        """The current term as it is sold with the list in force."""
        return SoldTerm(self.term_number, self.term, tuple((m.model_id, m.tier) for m in self.models), self.sale)

    def entitlement_ids(self) -> tuple[EntitlementId, ...]:
        """The entitlements of the current term, in the order they were bought."""
        return tuple(EntitlementId(self.id, self.term_number, m.model_id) for m in self.models)


class Slot(NamedTuple):
    """An account's one place: what holds it and until when, and how many purchases were made on `purchase_day`.

    `purchase_day` counts UTC days from 1970-01-01. `revision` grows with every change. `due_at_ms` is when the reset
    announces the end of a plan; it is None for a custom subscription, whose own row has the time.

    `sales` counts all sales of `purchase_day`, its purchases among them. `pending_order` is the account's one order
    that waits for its confirmation, by its id, and until when.

    `as_of_ms` is the instant of the newest news of plans that was applied to the place. `ended_as_of_ms` is a later
    one, of news that another plan has ended than the one that held the place. Either is None where there is none.
    """

    kind: SlotKind
    holder_id: str
    until_ms: int
    purchase_day: int
    purchases: int
    revision: int
    due_at_ms: int | None
    as_of_ms: int | None = None
    ended_as_of_ms: int | None = None
    sales: int = 0
    pending_order: tuple[str, int] | None = None

    def held(self, now_ms: int) -> bool:
        """Whether the place is taken at this moment; it becomes free by the clock alone."""
        return now_ms < self.until_ms

    def held_by_plan(self, plan_id: str, now_ms: int) -> bool:
        """Whether this plan has the place at this moment."""
        return self.held(now_ms) and (self.kind, self.holder_id) == (SlotKind.PLAN, plan_id)
