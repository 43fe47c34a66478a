"""What an account bought, as immutable values. Rule: pure; data and what follows from it alone, and no refusals.

Who may buy, renew or get a key is decided in `rules`. All times are in milliseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.entitlements.model import EntitlementId

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Limits, Term

MAX_MODELS: Final = 40
"""How many models a subscription may have."""
MAX_MONTHS: Final = 12
"""How many months a term may have."""
MAX_PURCHASES_PER_DAY: Final = 10
"""How many purchases an account may make in a UTC day."""
MAX_NEW_KEYS_PER_DAY: Final = 100
"""How often the key of a subscription may be regenerated in a UTC day."""


class Status(StrEnum):
    """What a subscription is at the moment of asking."""

    ACTIVE = "active"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class SlotKind(StrEnum):
    """What may hold an account's one place."""

    PLAN = "plan"
    CUSTOM = "custom"


class Sale(NamedTuple):
    """What a term was sold for: for each of its models, in their order, the price of a month as a decimal string."""

    currency: str
    monthly: tuple[str, ...]


class SoldTerm(NamedTuple):
    """A term as the history keeps it: when it was, each of its models with its tier, and their prices.

    `sale` is None for a term that was sold before prices were kept.
    """

    number: int
    term: Term
    models: tuple[tuple[str, Tier], ...]
    sale: Sale | None

    def entitlement_ids(self, subscription_id: str) -> tuple[EntitlementId, ...]:
        """The entitlements of the term, in the order they were bought."""
        return tuple(EntitlementId(subscription_id, self.number, model_id) for model_id, _ in self.models)


class Subscription(NamedTuple):
    """A subscription's row: what was bought, and its current term.

    `key_generation` counts the keys that were made by regeneration. Two changes begin in this row before they reach the
    entitlements: while `key_pending` is set, the row's key has still to be written to them, and while
    `cancelling_at_ms` is set, they have still to be stopped. A repeat of the call or the reset finishes either.
    `due_at_ms` is when the reset has work on the row; it is None once the row is cancelled or its end was announced.
    `renewal_digest` and `renewal_body` tell a repeat of the renewal that began the current term: digests of its
    Idempotency-Key and of its body, None where it had none. `new_keys` counts the keys made by regeneration on
    `new_key_day`, which counts UTC days from 1970-01-01.
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

    @property
    def expires_at_ms(self) -> int:
        """The instant the current term ends."""
        return self.term.ends_at_ms

    def status(self, now_ms: int) -> Status:
        """The status at this moment; a cancelled subscription never becomes expired, nor an expired one cancelled."""
        if self.cancelled_at_ms is not None:
            return Status.CANCELLED
        if now_ms < self.expires_at_ms and self.due_at_ms is not None:  # else its end was announced
            return Status.ACTIVE
        return Status.EXPIRED if self.cancelling_at_ms is None else Status.CANCELLED

    def sold_term(self) -> SoldTerm:
        """The current term as it was sold."""
        return SoldTerm(self.term_number, self.term, tuple((m.model_id, m.tier) for m in self.models), self.sale)

    def entitlement_ids(self) -> tuple[EntitlementId, ...]:
        """The entitlements of the current term, in the order they were bought."""
        return tuple(EntitlementId(self.id, self.term_number, m.model_id) for m in self.models)


class Slot(NamedTuple):
    """An account's one place: what holds it and until when, and how many purchases were made on `purchase_day`.

    `purchase_day` counts UTC days from 1970-01-01. `revision` grows with every change. `due_at_ms` is when the reset
    announces the end of a plan; it is None for a custom subscription, whose own row has the time.

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

    def held(self, now_ms: int) -> bool:
        """Whether the place is taken at this moment; it becomes free by the clock alone."""
        return now_ms < self.until_ms

    def held_by_plan(self, plan_id: str, now_ms: int) -> bool:
        """Whether this plan has the place at this moment."""
        return self.held(now_ms) and (self.kind, self.holder_id) == (SlotKind.PLAN, plan_id)
