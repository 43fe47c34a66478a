"""One hold that goes on, as its process may count on it. Rule: pure; an illegal step raises and changes nothing.

    begin ──▸ finish ─┐
      ▴               ▾                      ┌─▸ continued: more may begin
      └── held ──▸ part_for ──▸ (repeats) ──▸ answered
                                             └─▸ not continued: what has begun may end ──▸ last

`units` and `calls` are what is *certainly* held for all that no part has reported yet. While a part is under way nobody
knows whether it was booked, so certain is what remains of the hold whatever is answered: what was asked, but no more
than what was held less what the part reports. Requests begin within `free`, which is certain less what has begun and
less what was used since the part was made. So all that has begun is covered at every moment, whatever gets lost.

Times are whole milliseconds of a clock that only goes forward. They are counted from when a request was *sent*: the
service counts from when it decides, which is later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelpass_client.errors import ModelpassError

MAX_UNITS: Final = 10**15
MAX_CALLS: Final = 10**9


class IllegalStep(ModelpassError):  # noqa: N818 - as in other cores without sockets
    """A step that must not happen in this state: a mistake of the program, never of a request."""


@dataclass(frozen=True)
class Terms:
    """How a hold is kept: it outlasts the longest request by `margin_ms` when that begins as late as it may."""

    longest_ms: int
    margin_ms: int
    hold_seconds: int


@dataclass(frozen=True)
class Standing:
    """A hold as an answer shows it; `continued` says that new requests may begin on it."""

    authorization_id: str
    units: int
    calls: int
    start_within_ms: int
    continued: bool = True
    replayed: bool = False

    def __repr__(self) -> str:
        """Tell no id: it is the right to settle."""
        return f"Standing({self.units} units, {self.calls} calls, {self.start_within_ms} ms)"


@dataclass(frozen=True)
class Part:
    """A report that is repeated unchanged until it is answered: what was used, and what the hold is to go on with."""

    authorization_id: str
    used_units: int
    used_calls: int
    units: int
    calls: int

    def __repr__(self) -> str:
        """Tell no id: it is the right to settle."""
        return f"Part(used {self.used_units}/{self.used_calls}, on with {self.units}/{self.calls})"


class Hold:
    """One hold. Reserved is what has begun, used what has finished and is in no part yet; all figures may be read."""

    __slots__ = (
        "_before",
        "_first_sent_ms",
        "_terms",
        "authorization_id",
        "calls",
        "ended",
        "ending",
        "expires_ms",
        "free_calls",
        "free_units",
        "in_parts",
        "part",
        "reserved_calls",
        "reserved_units",
        "start_before_ms",
        "units",
        "used_calls",
        "used_units",
    )

    def __init__(self, granted: Standing, sent_ms: int, terms: Terms) -> None:
        """Begin with what was granted to a request that was first sent at `sent_ms`."""
        self._terms = terms
        self._before = (0, 0)
        self._first_sent_ms = sent_ms
        self.part: Part | None = None
        self.in_parts = True
        self.ending = self.ended = False
        self.reserved_units = self.reserved_calls = 0
        self.used_units = self.used_calls = 0
        self.expires_ms = 0
        self._stand(granted, sent_ms)

    # -- requests

    def begin(self, units: int, calls: int, least: int, now_ms: int) -> bool:
        """Reserve what a request may use, if it may begin now and that much is free; `least` units must be free."""
        if units < 0 or calls < 0 or least < units:
            raise IllegalStep("a request reserves whole numbers from 0 on")
        if now_ms >= self.start_before_ms or least > self.free_units or calls > self.free_calls:
            return False
        self.reserved_units += units
        self.reserved_calls += calls
        self.free_units -= units
        self.free_calls -= calls
        return True

    def finish(self, units: int, calls: int, used_units: int, used_calls: int) -> None:
        """Give back what a request had reserved, and note what it used: above its estimate too, that is an overrun."""
        if self.ended or units > self.reserved_units or calls > self.reserved_calls:
            raise IllegalStep("more finished than has begun")
        if min(units, calls, used_units, used_calls) < 0 or used_calls > calls:
            raise IllegalStep("a request uses whole numbers from 0 on, and no more calls than it reserved")
        self.reserved_units -= units
        self.reserved_calls -= calls
        self.used_units += used_units
        self.used_calls += used_calls
        self.free_units += units - used_units
        self.free_calls += calls - used_calls

    # -- reports

    def part_for(self, new_units: int, new_calls: int, now_ms: int) -> Part:
        """The next report, which asks to keep what has begun and `new_units` and `new_calls` beside it."""
        if self.part is not None or self.ended or not self.in_parts:
            raise IllegalStep("one part is under way at a time, and none after the end")
        if new_units < 0 or new_calls < 0:
            raise IllegalStep("a wish is a whole number from 0 on")
        used_units, used_calls = min(self.used_units, MAX_UNITS), min(self.used_calls, self.calls)
        calls = min(self.reserved_calls + new_calls, MAX_CALLS)
        if self.calls and not used_calls:
            calls = max(1, calls)  # a part reports or keeps at least one call
        part = Part(
            self.authorization_id, used_units, used_calls, min(self.reserved_units + new_units, MAX_UNITS), calls
        )
        self._before = (self.units, self.calls)
        self.part, self._first_sent_ms = part, now_ms
        self.used_units -= used_units
        self.used_calls = 0  # of a hold that was reclaimed no call is held, and those that it had stay counted
        self._hold(min(part.units, max(0, self.units - used_units)), min(part.calls, self.calls - used_calls))
        return part

    def answered(self, standing: Standing, sent_ms: int) -> None:
        """Take the answer of the part under way, of which this try was sent at `sent_ms`."""
        if self.part is None:
            raise IllegalStep("no part is under way")
        self.part = None
        # What is only told again was decided at some earlier try.
        self._stand(standing, self._first_sent_ms if standing.replayed else sent_ms)

    def unbook(self) -> None:
        """Take the part under way back into what is not reported: it was refused, or nobody waits for its answer.

        From then on nothing begins, and one last report has all that is left.
        """
        if self.part is None:
            raise IllegalStep("no part is under way")
        self.used_units += self.part.used_units
        self.used_calls += self.part.used_calls
        self.part, self.in_parts = None, False
        self._hold(*self._before)
        self.stop()

    def last(self) -> tuple[int, int]:
        """The units and calls of the last report, which ends the hold and hands back whatever was not used."""
        if self.part is not None or self.reserved_units or self.reserved_calls or self.ended:
            raise IllegalStep("the last report comes after all requests and parts, once")
        self.ended = True
        self.stop()
        return min(self.used_units, MAX_UNITS), min(self.used_calls, self.calls)

    def stop(self) -> None:
        """Let nothing begin any more; what has begun goes on, in parts."""
        self.ending = True
        self.start_before_ms = 0

    def _stand(self, standing: Standing, since_ms: int) -> None:
        self.authorization_id = standing.authorization_id
        self._hold(standing.units, standing.calls)
        if not standing.continued:
            self.stop()  # and it keeps its old end
            return
        self.expires_ms = since_ms + self._terms.hold_seconds * 1000
        if self.ending:
            return
        latest_ms = self.expires_ms - self._terms.margin_ms - self._terms.longest_ms
        self.start_before_ms = min(since_ms + standing.start_within_ms, latest_ms)

    def _hold(self, units: int, calls: int) -> None:
        self.units, self.calls = units, calls
        self.free_units = units - self.reserved_units - self.used_units
        self.free_calls = calls - self.reserved_calls - self.used_calls
