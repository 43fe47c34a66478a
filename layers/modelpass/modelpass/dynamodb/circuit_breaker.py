"""Keeps a process from beating a store that is sick, and its callers from waiting for it. Rule: no thread, no timer.

A process has one breaker. It stands around the seam, looks at what comes back, and does two things:

- **It bounds retries.** A retry after throttling or a failure takes a token, and only what succeeds puts tokens back,
  a tenth each. So a store that takes nothing is asked about once per command. Throttling has tokens of its own: one
  customer's hot partition cannot use up what others need after a failure.
- **It opens**, after failures in a row: then what needs that part of the store fails at once, and nothing is sent.
  After a rest one request is let through; any answer closes it, another failure makes the rest longer.

What opens is as small as what is ill, so that nobody takes the store down for the others. Any failure counts against
its partition (in tables of what was bought, each customer has his own); throttling counts against nothing else, however
many partitions are throttled. Failures and silence count against the table as well, and open it once they span two
partitions with no answer between. One table says nothing of another. Conflicts between writers are answers of a store
that is well.

A request of several items stands for the first of each of its tables. Where a transaction over several tables fails,
nobody knows which of them is ill, so it counts for these tables together: what needs one of them alone goes on.

Whether a request that failed was carried out is no matter of the breaker: its next try, if there is one, recognises its
own write as ever.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.dynamodb.transport import Cause, StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.dynamodb.retries import Pacing
    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

TOKENS: Final = 10
"""How many retries a process has in store, of each kind."""
FIRST_REST_SECONDS: Final = 1.0
"""How long an open breaker rests at first before it lets one request through; jitter takes off up to half of it."""
LONGEST_REST_SECONDS: Final = 4.0
"""What the rest grows to, twofold with each request that was let through in vain."""
MAX_PARTITIONS: Final = 1024
"""How many partitions are known to be in trouble; the one that failed longest ago is forgotten first."""
FORGOTTEN_SECONDS: Final = 60.0
"""After so long without any failure, everything is forgotten: a row of failures is a matter of seconds."""
_TENTHS: Final = 10
"""A retry takes so many tenths of a token, and a success puts one back."""
_OPENS_AT: Final = 5
_POINTS: Final = {Cause.THROTTLED: 1, Cause.FAILED: 1, Cause.SILENT: 3}
"""How far each failure goes towards opening: five in a row do it, or two that held their callers for seconds."""
_TOKENS_OF: Final = {Cause.THROTTLED: Cause.THROTTLED, Cause.FAILED: Cause.FAILED, Cause.SILENT: Cause.FAILED}


class Place(NamedTuple):
    """A table, or one partition of it; the partition is None for the whole table.

    Tables that are written together are a place of their own: their names are joined by `+`.
    """

    table: str
    partition: str | None


class Change(NamedTuple):
    """That a breaker has opened for a place, and because of what, or that it has closed (`cause` is None)."""

    place: Place
    cause: Cause | None


class _Circuit:
    """The failures in a row of one place. `asks_at` is when the steady clock lets a request through, None if closed."""

    __slots__ = ("asks_at", "points", "rest", "seen", "several")

    def __init__(self) -> None:
        self.points = 0
        self.seen: str | None = None
        self.several = False
        self.rest = FIRST_REST_SECONDS
        self.asks_at: float | None = None

    def count(self, points: int, partition: str) -> None:
        """Add a failure of a partition, and note whether there were others before."""
        self.points += points
        self.several |= self.seen not in (None, partition)
        self.seen = partition


class CircuitBreaker:
    """The breaker of one process; `tell` is called once with each change, within the request that brings it about.

    Any number of threads may use it: at worst a failure is counted, or a request is let through, more or less.
    """

    def __init__(self, pacing: Pacing, tell: Callable[[Change], None]) -> None:
        self._pacing = pacing
        self._tell = tell
        self._well = True  # all that a request of a healthy process looks at
        self._tenths = {Cause.THROTTLED: TOKENS * _TENTHS, Cause.FAILED: TOKENS * _TENTHS}
        self._circuits: OrderedDict[Place, _Circuit] = OrderedDict()
        self._failed_at = 0.0

    def may_retry(self, cause: Cause) -> bool:
        """Take a token for a retry; False when there is none. Contention takes none."""
        kind = _TOKENS_OF.get(cause)
        if kind is None:
            return cause is not Cause.OPEN
        if self._tenths[kind] < _TENTHS:
            return False
        self._tenths[kind] -= _TENTHS
        self._well = False
        return True

    def guarded(self, send: Send) -> Send:
        """The same seam, which raises `StoreBusyError` (`Cause.OPEN`) and sends nothing where the breaker is open.

        A failure that opens it, or leaves it open, is raised as `Cause.OPEN` as well: nobody shall wait and try again.
        """

        def send_unless_open(operation: str, request: Request) -> Response:
            if not self._well:
                self._admit(request)
            try:
                response = send(operation, request)
            except StoreBusyError as failure:
                if self._has_opened(request, failure.cause):
                    raise StoreBusyError(str(failure), Cause.OPEN) from None
                raise
            except StoreError:  # a condition that failed, or a request that is refused: the store answers
                if not self._well:
                    self._note_answer(request)
                raise
            if not self._well:
                self._note_answer(request)
                self._put_back()
            return response

        return send_unless_open

    def _admit(self, request: Request) -> None:
        """Raise `StoreBusyError` where a place of the request is open and rests; after the rest, let one through."""
        now = self._pacing.monotonic()
        opened = []
        for place in _all_places(request):
            circuit = self._circuits.get(place)
            if circuit is not None and circuit.asks_at is not None:
                if now < circuit.asks_at:
                    raise StoreBusyError("BreakerOpen", Cause.OPEN)
                opened.append(circuit)
        for circuit in opened:
            circuit.asks_at = now + LONGEST_REST_SECONDS  # others go on failing while this one asks, or if it is lost

    def _has_opened(self, request: Request, cause: Cause) -> bool:
        """Count a failure; True when a place of the request is open now."""
        if cause is Cause.STALE:
            self._ask_again(request)
        if cause is Cause.CONTENDED and not self._well:
            self._note_answer(request)
        points = _POINTS.get(cause)
        if points is None:
            return False
        self._well, self._failed_at = False, self._pacing.monotonic()
        place = _places(request)[0]
        table = Place(place.table, None)
        if cause is Cause.THROTTLED:
            self._close(table)  # it answers
            table_opened = False
        else:
            table_opened = self._count(table, place.partition or "", cause, points)
        return self._count(place, place.partition or "", cause, points) or table_opened

    def _count(self, place: Place, partition: str, cause: Cause, points: int) -> bool:
        circuit = self._circuits.pop(place, None) or _Circuit()
        circuit.count(points, partition)
        self._circuits[place] = circuit  # as the newest
        if len(self._circuits) > MAX_PARTITIONS:
            self._forget_oldest()
        if circuit.points < _OPENS_AT or not (circuit.several or place.partition is not None):
            return False
        was_closed = circuit.asks_at is None
        circuit.asks_at = self._failed_at + circuit.rest * (0.5 + self._pacing.random() / 2)
        circuit.rest = min(2 * circuit.rest, LONGEST_REST_SECONDS)
        if was_closed:
            self._tell(Change(place, cause))
        return True

    def _ask_again(self, request: Request) -> None:
        """Let the next request through in the place of one that has learnt nothing."""
        for place in _all_places(request):
            circuit = self._circuits.get(place)
            if circuit is not None and circuit.asks_at is not None:
                circuit.asks_at = self._pacing.monotonic()

    def _note_answer(self, request: Request) -> None:
        for place in _all_places(request):
            self._close(place)
        if self._pacing.monotonic() - self._failed_at >= FORGOTTEN_SECONDS:
            for place in list(self._circuits):
                self._close(place)

    def _close(self, place: Place) -> None:
        circuit = self._circuits.pop(place, None)
        if circuit is not None and circuit.asks_at is not None:
            self._tell(Change(place, None))

    def _forget_oldest(self) -> None:
        place, circuit = self._circuits.popitem(last=False)
        if circuit.asks_at is not None:
            self._tell(Change(place, None))

    def _put_back(self) -> None:
        full = TOKENS * _TENTHS
        for kind, tenths in self._tenths.items():
            self._tenths[kind] = min(tenths + 1, full)
        self._well = not self._circuits and all(tenths == full for tenths in self._tenths.values())


def _all_places(request: Request) -> Iterator[Place]:
    """Every place whose trouble a request would meet: its partitions and their tables."""
    for place in _places(request):
        yield place
        yield Place(place.table, None)


def _places(request: Request) -> list[Place]:
    """What a request is about: first the place that its failure counts for, then those that it needs besides."""
    if "TableName" in request:
        return [Place(request["TableName"], _partition(request))]
    found: dict[str, str] = {}
    for action in request.get("TransactItems", ()):
        for part in action.values():
            found.setdefault(part["TableName"], _partition(part))
    for table, wanted in request.get("RequestItems", {}).items():
        found.setdefault(table, _partition({"Key": wanted["Keys"][0]}))
    places = [Place(table, partition) for table, partition in found.items()]
    together = Place("+".join(sorted(found)), places[0].partition if places else "")
    return [together, *(place for place in places if place != together)]


def _partition(part: Request) -> str:
    """The partition of one item, or of a query of a table or of its index; empty where the request names none."""
    key = part.get("Key") or part.get("Item") or {}
    values = part.get("ExpressionAttributeValues", {})
    named = key.get("pk") or values.get(":pk") or values.get(":dp") or {}
    return str(named.get("S", ""))
