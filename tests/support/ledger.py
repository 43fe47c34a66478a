"""The contract as a ledger: every grant, and every figure derived from them. Rule: no code of the service is used.

It keeps no counters, rolls no windows and reclaims nothing: what is used, held and left is added up anew from the
grants whenever it is asked, so it cannot share a mistake with what it is compared to. Time zones are fixed offsets.
"""

from __future__ import annotations

import calendar
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json = dict[str, Any]
Share = tuple[str, int, str]
"""A share of a limit in a window: which limit, how many percent, when the window ends."""

SECOND_MS, DAY_MS = 1000, 86_400_000
GRACE_MS = 90 * DAY_MS
OLDEST_MS = 457 * DAY_MS
NEW_KEYS_A_DAY = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSETS_MS = {"UTC": 0, "Asia/Kolkata": 19_800_000, "Etc/GMT+5": -18_000_000}
UNITS = {"claude-opus-4-6": "tokens", "nano-banana-2": "generations"}


@dataclass(frozen=True, slots=True)
class Line:
    """One model of a list: its tier, its calls a day and its units a month."""

    tier: str
    limit: int
    cap: int


@dataclass(slots=True)
class Grant:
    """One authorization with the units and calls it holds, and the reports of it that count, each (used, calls).

    `parts` are those after which it went on, with other figures and another id (`earlier_ids` are those before), and
    `settled` is the last. All are of the windows it was granted in, for it goes on in no others.
    """

    request_id: str
    granted_at_ms: int
    expires_at_ms: int
    units: int
    calls: int
    authorization_id: str
    tier: str
    attempt: str | None = None
    settled: tuple[int, int] | None = None
    parts: list[tuple[int, int]] = field(default_factory=list)
    earlier_ids: list[str] = field(default_factory=list)
    first_at_ms: int = 0
    released: bool = False
    """Whether an operator has given back what it held, before it expired."""

    def __post_init__(self) -> None:
        self.first_at_ms = self.granted_at_ms

    def open_at(self, now_ms: int) -> bool:
        return self.settled is None and self.holds_at(now_ms)

    def holds_at(self, now_ms: int) -> bool:
        """Whether it has neither expired nor been released."""
        return not self.released and now_ms < self.expires_at_ms

    @property
    def calls_counted(self) -> int:
        return sum(calls for _, calls in self.parts) + (self.calls if self.settled is None else self.settled[1])

    @property
    def used(self) -> int:
        return sum(used for used, _ in self.parts) + (0 if self.settled is None else self.settled[0])


@dataclass(frozen=True, slots=True)
class Reported:
    """A report of a part, and the units, calls and seconds that the grant is to go on with."""

    used: int
    calls: int
    units: int
    keep: int
    seconds: int


@dataclass(slots=True)
class Calendar:
    """Days and months of a term in a zone of a fixed offset; an extension adds months."""

    starts_at_ms: int
    months: int
    offset_ms: int
    first_months: int = 0
    """As many as it had before any extension."""

    def __post_init__(self) -> None:
        self.first_months = self.months

    def month_start(self, k: int) -> int:
        local = _EPOCH + timedelta(milliseconds=self.starts_at_ms + self.offset_ms)
        years, month = divmod(local.month - 1 + k, 12)
        day = min(local.day, calendar.monthrange(local.year + years, month + 1)[1])
        moved = local.replace(year=local.year + years, month=month + 1, day=day)
        return (moved - _EPOCH) // timedelta(milliseconds=1) - self.offset_ms

    @property
    def ends_at_ms(self) -> int:
        return self.month_start(self.months)

    def last(self, at_ms: int) -> int:
        """The instant whose windows are shown: of an ended term, its last."""
        return min(at_ms, self.ends_at_ms - 1)

    def month(self, at_ms: int) -> int:
        return max(k for k in range(self.months) if self.month_start(k) <= self.last(at_ms))

    def day(self, at_ms: int) -> int:
        return (self.last(at_ms) + self.offset_ms) // DAY_MS

    def day_end(self, at_ms: int) -> int:
        return (self.day(at_ms) + 1) * DAY_MS - self.offset_ms

    def month_end(self, at_ms: int) -> int:
        return self.month_start(self.month(at_ms) + 1)

    def number(self, date: str) -> int:
        return (datetime.fromisoformat(date).replace(tzinfo=UTC) - _EPOCH).days

    def date(self, day: int) -> str:
        return (_EPOCH + timedelta(days=day)).date().isoformat()


@dataclass(slots=True)
class Crossings:
    """How often each share was crossed upwards, as somebody saw it who looked now and then."""

    times: Counter[Share] = field(default_factory=Counter)
    above: set[Share] = field(default_factory=set)

    def follow(self, shares: Iterable[tuple[Share, bool, bool]]) -> None:
        """Look: a share that is used is above from then on, until what is counted is below it again."""
        for share, used, counted in shares:
            if used and share not in self.above:
                self.above.add(share)
                self.times[share] += 1
            elif not counted:
                self.above.discard(share)


@dataclass(frozen=True, slots=True)
class Correction:
    """What an operator added to a day, and to its month, or took from them."""

    at_ms: int
    units: int
    calls: int = 0


@dataclass(slots=True)
class Book:
    """All grants of one model of one term, and its line as it was changed: from when, and None where it was removed."""

    model_id: str
    calendar: Calendar
    lines: list[tuple[int, Line | None]]
    grants: list[Grant] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    top_ups: list[tuple[int, int]] = field(default_factory=list)
    """At which instant, and how many units."""
    seen: Crossings = field(default_factory=Crossings)
    """By requests, each of which tells what it sees."""
    crossed: Crossings = field(default_factory=Crossings)
    """By somebody who looks at all windows after every step."""
    own_figures: Counter[str] = field(default_factory=Counter)
    """Units of last reports whose figure was the router's own, by where it came from."""

    def in_force(self, at_ms: int) -> bool:
        """Whether the list has the model at an instant of the term, or at its last."""
        last_ms = self.calendar.last(at_ms)
        return [line for from_ms, line in self.lines if from_ms <= last_ms][-1:] not in ([], [None])

    def line(self, at_ms: int) -> Line:
        """The line at an instant of the term; of one that was removed, the last that there was."""
        last_ms = self.calendar.last(at_ms)
        return [line for from_ms, line in self.lines if from_ms <= last_ms and line is not None][-1]

    def tier(self, at_ms: int) -> str:
        return self.line(at_ms).tier

    def limit(self, at_ms: int) -> int:
        return self.line(at_ms).limit

    def cap(self, at_ms: int) -> int:
        """What the month of an instant has in all: the cap, which only ever rises within a month, and the top-ups."""
        return self.line(at_ms).cap + self.topped_up(self.calendar.month(at_ms))

    def topped_up(self, month: int) -> int:
        return sum(units for at_ms, units in self.top_ups if self.calendar.month(at_ms) == month)

    def rearm(self, now_ms: int) -> None:
        """A raise or a top-up has come: a share that is not used any more is crossed anew by what comes next."""
        self.seen.above -= {share for share, _, counted in self.shares(now_ms, now_ms) if not counted}

    def of_day(self, day: int) -> list[Grant]:
        return [g for g in self.grants if self.calendar.day(g.granted_at_ms) == day]

    def of_month(self, month: int) -> list[Grant]:
        return [g for g in self.grants if self.calendar.month(g.granted_at_ms) == month]

    def open_holds(self, now_ms: int) -> list[Grant]:
        return [g for g in self.grants if g.open_at(now_ms)]

    def calls(self, day: int) -> int:
        corrected = sum(c.calls for c in self.corrections if self.calendar.day(c.at_ms) == day)
        return sum(g.calls_counted for g in self.of_day(day)) + corrected

    def used(self, month: int) -> int:
        corrected = sum(c.units for c in self.corrections if self.calendar.month(c.at_ms) == month)
        return sum(g.used for g in self.of_month(month)) + corrected

    def day_units(self, day: int) -> int:
        corrected = sum(c.units for c in self.corrections if self.calendar.day(c.at_ms) == day)
        return sum(g.used for g in self.of_day(day)) + corrected

    def active_at(self) -> list[int]:
        """Every instant at which something happened to this book."""
        return [g.granted_at_ms for g in self.grants] + [c.at_ms for c in self.corrections]

    def held(self, month: int, now_ms: int) -> int:
        return sum(g.units for g in self.of_month(month) if g.open_at(now_ms))

    def left(self, now_ms: int) -> int:
        return max(0, self.balance(now_ms))

    def balance(self, now_ms: int) -> int:
        """What the month has left; below 0 what it is overrun by."""
        month = self.calendar.month(now_ms)
        return self.cap(now_ms) - self.used(month) - self.held(month, now_ms)

    def windows(self, now_ms: int) -> Json:
        calls, limit = self.calls(self.calendar.day(now_ms)), self.limit(now_ms)
        month = self.calendar.month(now_ms)
        used, held, bought = self.used(month), self.held(month, now_ms), self.topped_up(month)
        return {
            "daily": {
                "limit": limit,
                "used": calls,
                "remaining": max(0, limit - calls),
                "resetsAt": rfc3339(self.calendar.day_end(now_ms)),
            },
            "monthly": {
                "limit": self.line(now_ms).cap,
                **({"topUp": bought} if bought else {}),
                "used": used,
                "held": held,
                "remaining": self.left(now_ms),
                "overrun": max(0, used + held - self.cap(now_ms)),
                "resetsAt": rfc3339(self.calendar.month_end(now_ms)),
            },
        }

    def look(self, now_ms: int) -> None:
        """A request has looked at the windows in force."""
        if now_ms < self.calendar.ends_at_ms:
            self.seen.follow(self.shares(now_ms, now_ms))

    def look_everywhere(self, now_ms: int) -> None:
        """A step has ended."""
        for at_ms in self.active_at():
            self.crossed.follow(self.shares(at_ms, now_ms))

    def shares(self, at_ms: int, now_ms: int) -> Iterator[tuple[Share, bool, bool]]:
        """Of the windows of an instant: whether each share is used, and whether it is with what open blocks reserve.

        A block reserves its calls until it is settled or has expired, within its day; an estimate is never used.
        """
        day, day_end_ms, month = self.calendar.day(at_ms), self.calendar.day_end(at_ms), self.calendar.month(at_ms)
        blocks = [g for g in self.of_day(day) if g.calls > 1 and g.open_at(min(now_ms, day_end_ms - 1))]
        calls, units = self.calls(day), self.used(month)
        unreserved = calls - sum(g.calls for g in blocks)
        limit = self.limit(min(now_ms, day_end_ms - 1))
        cap = self.cap(min(now_ms, self.calendar.month_start(month + 1) - 1))
        for percent in (80, 100):
            least = limit * percent
            yield ("daily", percent, rfc3339(day_end_ms)), unreserved * 100 >= least, calls * 100 >= least
            used = units * 100 >= cap * percent
            yield ("monthly", percent, rfc3339(self.calendar.month_end(at_ms))), used, used

    def starts_within_ms(self, grant: Grant, now_ms: int) -> int:
        """How long work may begin on a grant: four seconds, or until its hold, its day or its month ends."""
        at_ms, ends = grant.granted_at_ms, self.calendar
        ends_at_ms = min(grant.expires_at_ms, ends.day_end(at_ms), ends.month_end(at_ms))
        return max(0, min(4 * SECOND_MS, ends_at_ms - now_ms))

    def refuse_capacity(
        self, units: int, calls: int, most_holds: int, now_ms: int, *, unit_free: bool
    ) -> tuple[str, int | None] | None:
        """The first limit that leaves no room for that many units, and after how many seconds its window is over.

        Of a request with a minimum, `units` are that.
        """
        left, limit = self.left(now_ms), self.limit(now_ms)
        if units > self.cap(now_ms):
            return "request_exceeds_limit", None
        if self.balance(now_ms) < 0 or units > left or (left == 0 and not unit_free):
            return "monthly_cap_reached", seconds(self.calendar.month_end(now_ms) - now_ms)
        if calls > limit:
            return "request_exceeds_limit", None
        if self.calls(self.calendar.day(now_ms)) + calls > limit:
            return "daily_call_limit_reached", seconds(self.calendar.day_end(now_ms) - now_ms)
        if len(self.open_holds(now_ms)) >= most_holds:
            return "too_many_open_holds", 1
        return None

    def helps(self, units: int, calls: int, after: int, now_ms: int) -> bool | None:
        """Whether to come back after so many seconds can help; None where it hangs on what is not decided yet.

        It cannot once the term is over, or where no limit is large enough by then.
        """
        then_ms = now_ms + after * SECOND_MS
        if len(self.lines) > 1 or self.top_ups or then_ms >= self.calendar.month_start(self.calendar.first_months):
            return None
        return units <= self.cap(now_ms) and calls <= self.limit(now_ms)

    def late(self, grant: Grant, now_ms: int) -> bool:
        return not grant.holds_at(now_ms) or self.past(grant, now_ms)

    def past(self, grant: Grant, now_ms: int) -> bool:
        """Whether the day or the month of a grant has ended."""
        at_ms, ends = grant.granted_at_ms, self.calendar
        return now_ms >= min(ends.day_end(at_ms), ends.month_end(at_ms))

    def take_part(self, grant: Grant, part: Reported, now_ms: int) -> None:
        """Book a part of a grant, which goes on from now with what was asked, or with what is left."""
        units = min(part.units, max(0, self.balance(now_ms) + grant.units - part.used))
        calls = min(part.keep, self.limit(now_ms) - self.calls(self.calendar.day(now_ms)) + grant.calls - part.calls)
        grant.parts.append((part.used, part.calls))
        grant.granted_at_ms, grant.expires_at_ms = now_ms, now_ms + part.seconds * SECOND_MS
        grant.units, grant.calls = units, calls

    def take_part_alone(self, grant: Grant, part: Reported, now_ms: int) -> None:
        """Book a part of a grant for which no new work may begin: it keeps the lesser until its old end."""
        has = grant.units if grant.holds_at(now_ms) else 0
        grant.parts.append((part.used, part.calls))
        grant.units, grant.calls = min(part.units, max(0, has - part.used)), min(part.keep, grant.calls - part.calls)


def seconds(ms: int) -> int:
    return -(-ms // SECOND_MS)


def rfc3339(at_ms: int) -> str:
    text = (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    return text.replace(".000", "").replace("+00:00", "Z")
