"""What an audit reports. Rule: a breach names an item by ids and shows figures; it holds no API key, hash or digest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.entitlements.model import EntitlementId


Facts = Counter[tuple[Any, ...]]
"""Statements, and how often each is made."""


class Equation(StrEnum):
    """Every equation there is; what each demands stands in `docs/audit.md`."""

    READABLE = "readable"
    MONTH = "month"
    DAY = "day"
    COUNTERS = "counters"
    HOLDS = "holds"
    SEGMENT = "segment"
    DUE = "due"
    CLOSED_MONTH = "closed-month"
    CLOSED_DAY = "closed-day"
    ONE_PLACE = "one-place"
    UNITS = "units"
    HELD = "held"
    TICKETS = "tickets"
    CORRECTIONS = "corrections"
    THRESHOLDS = "thresholds"
    TERMS = "terms"
    SOLD = "sold"
    KEY = "key"
    STOPPED = "stopped"
    STATE = "state"
    PLACE = "place"
    LIST = "list"
    ORDERS = "orders"
    TOP_UPS = "top-ups"
    EVENTS = "events"
    OWNED = "owned"


WITHIN_ONE_ITEM: Final = frozenset(
    {
        *(Equation.READABLE, Equation.MONTH, Equation.DAY, Equation.COUNTERS, Equation.HOLDS),
        *(Equation.SEGMENT, Equation.DUE, Equation.STATE),
    }
)
"""One read of one item decides these, whatever else is written meanwhile."""


@dataclass(frozen=True, slots=True)
class Breach:
    """An equation that does not hold: of which item, what it demands, and what is there."""

    equation: Equation
    subject: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.equation}: {self.subject}: expected {self.expected}, found {self.found}"


def unless(holds: bool, equation: Equation, subject: str, expected: object, found: object) -> Iterator[Breach]:  # noqa: FBT001
    """A breach, unless the equation holds."""
    if not holds:
        yield Breach(equation, subject, str(expected), str(found))


def compared(equation: Equation, who: str, expected: Facts, found: Facts) -> Iterator[Breach]:
    """A breach for each fact that is found more or less often than expected."""
    for fact in sorted({*expected, *found}, key=str):
        shown = " ".join(map(str, fact))
        fits = expected[fact] == found[fact]
        yield from unless(fits, equation, who, f"{shown} {expected[fact]} times", f"{found[fact]} times")


def named(entitlement: EntitlementId) -> str:
    """An entitlement as a breach names it."""
    return f"{entitlement.subscription_id} term {entitlement.term_number} {entitlement.model_id}"
