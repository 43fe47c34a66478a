"""One atomic step on one entitlement, as data: the item before and after, and the rows beside it. Rule: values only.

`accounting` and `thresholds` work changes out, and `transactions` turns them into requests. Calls are whole numbers,
units those of the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Entitlement, Hold, Threshold


class DayRow(NamedTuple):
    """What is added to the figures of a closed day; `most_calls` is how many it may have after that, None for any."""

    day: str
    calls: int
    units: int
    most_calls: int | None = None


class MonthRow(NamedTuple):
    """What is added to the figures of a closed month window; before the first addition, all that it had is left.

    `top_up` is what it had beside its cap, told by the step that closes it; whoever adds later says nothing of it.
    """

    month: int
    left: int
    held: int
    used: int
    top_up: int = 0


class TierBreach(NamedTuple):
    """A router served a request in another tier than the one bought."""

    hold: Hold
    served_tier: Tier
    at_ms: int


class FarAboveEstimate(NamedTuple):
    """A router reported many times the units that it had estimated: perhaps another unit than the model's."""

    hold: Hold
    used: int
    at_ms: int


class OwnFigure(NamedTuple):
    """Units that a router reported by a figure of its own, and where that comes from: `counted` or `estimated`."""

    source: str
    units: int


class Correction(NamedTuple):
    """An operator's change of what was used, by `units` and `calls`, in the windows of the instant `at_ms`.

    Either may be negative: then that much is taken from what was counted, and so given back.
    `key` is the digest of its Idempotency-Key, `body` that of its content; `nonce` is new in each invocation and tells
    its own write from that of another with the same key.
    """

    key: str
    body: bytes
    nonce: bytes
    operator: str
    units: int
    at_ms: int
    reason: str
    made_at_ms: int
    calls: int = 0


class Announcement(NamedTuple):
    """An event about a threshold that was reached: when it is made, and when the window ends that reached it.

    `least` is what the window's counter shows at least while that is true: calls, those reserved included, or units.
    """

    threshold: Threshold
    window_ends_at_ms: int
    at_ms: int
    least: int


class Change(NamedTuple):
    """One atomic step on one entitlement.

    `exact` steps demand the counters just as they were read; the others add and subtract, guarded by the segment and by
    the value of every hold they touch. `grant` is the hold that the step grants, if it grants one, and `units_needed`
    how many units have to be left for it. `goes_on` is a hold that takes the place of an earlier step of its grant for
    new work, and so only where that is allowed. `closed_…` are the figures of windows that it closes, `late_…` what it
    adds to windows closed before. `tickets` are holds that are open but no longer in the item, `spent_ticket` is one of
    them whose usage it books.
    """

    before: Entitlement
    after: Entitlement
    exact: bool = False
    grant: Hold | None = None
    units_needed: int = 0
    goes_on: Hold | None = None
    closed_day: DayRow | None = None
    closed_month: MonthRow | None = None
    late_day: DayRow | None = None
    late_months: tuple[MonthRow, ...] = ()
    tickets: tuple[Hold, ...] = ()
    spent_ticket: Hold | None = None
    breach: TierBreach | None = None
    far_above: FarAboveEstimate | None = None
    own_figure: OwnFigure | None = None
    announcements: tuple[Announcement, ...] = ()
    correction: Correction | None = None

    @property
    def item_only(self) -> bool:
        """Whether the entitlement's own item is all that is written."""
        rows = (self.closed_day, self.closed_month, self.late_day, self.spent_ticket, self.correction)
        events = (self.breach, self.far_above)
        return not (any(rows) or any(events) or self.late_months or self.tickets or self.announcements)

    @property
    def counts(self) -> bool:
        """Whether any figure moves."""
        before, after = self.before, self.after
        return (before.counters, before.holds, before.tickets) != (after.counters, after.holds, after.tickets)
