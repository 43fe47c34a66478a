"""What an account bought, as frozen values. Rule: data and what follows from it alone; no decision is made here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.entitlements.model import EntitlementId

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Limits, Term


MAX_MODELS: Final = 40
MAX_MONTHS: Final = 12
MAX_PURCHASES_PER_DAY: Final = 10


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
    """What a term was sold for: a month's price of each of its models, in their order, as decimal strings."""

    currency: str
    monthly: tuple[str, ...]


class SoldTerm(NamedTuple):
    """A term as the history remembers it: when it was, its models each with its tier, and their prices.

    `sale` is None of a term that was sold before prices were kept.
    """

    number: int
    term: Term
    models: tuple[tuple[str, Tier], ...]
    sale: Sale | None

    def entitlement_ids(self, subscription_id: str) -> tuple[EntitlementId, ...]:
        """The entitlements of the term, in the order they were bought."""
        return tuple(EntitlementId(subscription_id, self.number, model_id) for model_id, _ in self.models)


class Subscription(NamedTuple):
    """The subscription row: what was bought, and the term that is current.

    `key_generation` counts the keys made for it by regeneration. Two things are begun here before they reach the
    entitlements: `key_pending` tells that the key has to be brought to them, `cancelling_at_ms` that they have to be
    stopped. Whoever comes next may finish either.
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
    due_at_ms: int | None

    @property
    def expires_at_ms(self) -> int:
        """The instant the current term ends."""
        return self.term.ends_at_ms

    def status(self, now_ms: int) -> Status:
        """Right at the moment of asking; what is cancelled never becomes expired, nor the other way round."""
        if self.cancelled_at_ms is not None:
            return Status.CANCELLED
        if now_ms < self.expires_at_ms and self.due_at_ms is not None:  # whose end was told has ended, by every clock
            return Status.ACTIVE
        return Status.EXPIRED if self.cancelling_at_ms is None else Status.CANCELLED

    def sold_term(self) -> SoldTerm:
        """The current term as it was sold."""
        return SoldTerm(self.term_number, self.term, tuple((m.model_id, m.tier) for m in self.models), self.sale)

    def entitlement_ids(self) -> tuple[EntitlementId, ...]:
        """The entitlements of the current term, in the order they were bought."""
        return tuple(EntitlementId(self.id, self.term_number, m.model_id) for m in self.models)


class Slot(NamedTuple):
    """An account's one place: what holds it and until when, and today's count of purchases (UTC).

    `revision` grows with every change. `due_at_ms` is when the reset tells that a plan has ended; of a custom
    subscription its own row tells.
    """

    kind: SlotKind
    holder_id: str
    until_ms: int
    purchase_day: int
    purchases: int
    revision: int
    due_at_ms: int | None

    def held(self, now_ms: int) -> bool:
        """Whether the place is taken; expiry frees it by the clock alone."""
        return now_ms < self.until_ms
