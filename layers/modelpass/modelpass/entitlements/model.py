"""Entitlements with their terms, limits, counters, holds and thresholds, as frozen values. Rule: pure; no decisions.

A value may have properties that follow from itself alone. Times are whole milliseconds since the Unix epoch (`…_ms`),
usage is a whole number of the model's unit.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.times import DAY_MS, MS_PER_SECOND

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier, Unit
    from modelpass.errors import Refusal

MAX_HOLD_SECONDS: Final = 86_400
DEFAULT_HOLD_SECONDS: Final = 900
"""How long a hold lasts when the router does not say."""
SETTLE_GRACE_MS: Final = 90 * DAY_MS
"""How long after the end of a term a settle is still accepted."""
SETTLE_MOST_MS: Final = 457 * DAY_MS
"""How long after its grant a settle is accepted at most, however long the term goes on."""


class Threshold(Enum):
    """A share of a limit whose crossing is announced to other systems: (limit, percent, its bit as stored)."""

    DAILY_80 = ("daily", 80, 1)
    DAILY_100 = ("daily", 100, 2)
    MONTHLY_80 = ("monthly", 80, 4)
    MONTHLY_100 = ("monthly", 100, 8)

    def __init__(self, limit: str, percent: int, bit: int) -> None:
        self.limit = limit
        self.percent = percent
        self.bit = bit
        self.monthly = limit == "monthly"

    def least_of(self, limit: int) -> int:
        """The smallest whole number of calls or units that is this share of a limit or more."""
        return -(-limit * self.percent // 100)


class Term(NamedTuple):
    """A paid period: a whole number of months from an instant, counted in a time zone.

    Its end is fixed when it is sold (`windows.term_of`): new time zone data does not move it.
    """

    starts_at_ms: int
    months: int
    time_zone: str
    ends_at_ms: int


class Hold(NamedTuple):
    """Capacity reserved by one authorization and not yet settled.

    `key` is the digest of the router's request id; `nonce` tells two grants of one request id apart;
    `signer` names the deployment key that signed the authorization id, so that a replay shows the same id. Once
    that key is retired, a replay's id is signed by the current one: it still means this hold. So holds that differ in
    nothing but `signer` are equal.
    """

    key: str
    nonce: str
    signer: str
    granted_at_ms: int
    hold_seconds: int
    units: int
    calls: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hold) and self._identity() == other._identity()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[object, ...]:
        """Every field but `signer`."""
        return self.key, self.nonce, self.granted_at_ms, self.hold_seconds, self.units, self.calls

    @property
    def expires_at_ms(self) -> int:
        """The instant from which the hold is expired and its units are no longer held."""
        return self.granted_at_ms + self.hold_seconds * MS_PER_SECOND


class Counters(NamedTuple):
    """What is left and what was used in the stored day and month window.

    Always: `daily limit = day_left + day_calls` and `cap + top-ups = month_left + held + month_used`.
    `day_units` is what was settled for requests granted in the stored day.
    """

    day_left: int
    day_calls: int
    day_units: int
    month_left: int
    month_used: int


class Limits(NamedTuple):
    """What was bought for one model."""

    model_id: str
    tier: Tier
    unit: Unit
    daily_call_limit: int
    monthly_cap: int


class EntitlementId(NamedTuple):
    """The name of an entitlement: one model of one term of one subscription."""

    subscription_id: str
    term_number: int
    model_id: str


class Entitlement(NamedTuple):
    """Everything that decides a request about one model: the content of one stored item.

    The stored windows are named by `day` and `month` (a local date, and the number of the month in the term) and began
    at `day_start_ms` and `month_start_ms`. The segment is where both are in force: it ends with the first of them.
    `key_hash` is None once the key was replaced by a renewal. `cancelled_at_ms` is since when it is stopped;
    `suspended` says that an operator has stopped it, who may take that back. `change_number` is that of the
    subscription's last change that has reached the item. `top_up` are units that were bought beside the cap for the
    stored month. `tickets` counts reclaimed, unsettled holds.
    `announced` are the thresholds of the stored windows that were announced; `lapses` counts how often some of these
    marks were taken away in a window that went on. `due_at_ms` is when the reset looks at the item, None when there is
    nothing to look for. `earlier_tiers` are those that open holds may be of, each with the instant (milliseconds) until
    which holds were granted in it.
    """

    id: EntitlementId
    account_id: str
    limits: Limits
    term: Term
    key_hash: bytes | None
    cancelled_at_ms: int | None
    day_start_ms: int
    month_start_ms: int
    segment_end_ms: int
    day: str
    month: int
    counters: Counters
    holds: dict[str, Hold]
    tickets: int
    announced: frozenset[Threshold]
    lapses: int
    due_at_ms: int | None
    suspended: bool = False
    change_number: int = 0
    top_up: int = 0
    earlier_tiers: tuple[tuple[int, Tier], ...] = ()

    @property
    def expires_at_ms(self) -> int:
        """The end of the term as far as the item knows: the subscription may have been extended since."""
        return self.term.ends_at_ms

    @property
    def month_limit(self) -> int:
        """How many units the stored month has in all: the cap, and what was bought beside it."""
        return self.limits.monthly_cap + self.top_up

    def tier_of(self, hold: Hold) -> Tier:
        """The tier that a hold was granted in, which stays so when that of the entitlement changes."""
        earlier = (tier for until_ms, tier in self.earlier_tiers if hold.granted_at_ms < until_ms)
        return next(earlier, self.limits.tier)

    @property
    def segment_start_ms(self) -> int:
        """The instant from which both stored windows are in force."""
        return max(self.day_start_ms, self.month_start_ms)

    @property
    def armed(self) -> bool:
        """Whether the reset will look at the item no later than at the end of the stored segment."""
        return self.due_at_ms is not None and self.due_at_ms <= self.segment_end_ms


class Contract(NamedTuple):
    """What a subscription's row says of an entitlement: the term as it is by now, and what holds in the month in force.

    `limits` is the line of the model; None where the list has none, and for a term before the current one.
    `change_number` is that of the row's last change. `key_hash` is that of the current key. `refusal` says why the
    subscription grants nothing; None while it is active. `lasts` says that nothing can reverse that refusal for this
    key: its term lies before the current one.
    """

    term: Term
    limits: Limits | None
    change_number: int
    key_hash: bytes
    refusal: Refusal | None = None
    lasts: bool = False

    @property
    def has_left_the_list(self) -> bool:
        """Whether the list of the current term has the model no longer, so that no month of it is opened any more."""
        return self.limits is None and not self.lasts
