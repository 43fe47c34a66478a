"""One key's model on a lease. Rule: it decides and says what to send next, and sends nothing itself.

A request is granted at once where the hold has room, by a few compares under a lock that nobody holds while he waits
for the service. Where it has none, the request *enlists*: the next report asks for it too, and when that is answered
the request gets its room or asks the service by itself, whose refusals are the service's own.

Of each lease one request to the service is under way at a time. It is repeated unchanged until it is answered. When a
hold may not go on, it drains: what has begun on it ends and is reported, while another hold takes its place.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from typing import TYPE_CHECKING, Any

from modelpass_client.grant import Grant
from modelpass_client.leases import wire
from modelpass_client.leases.demand import Age, Demand, Wish
from modelpass_client.leases.desk import Desk
from modelpass_client.leases.rule import Hold
from modelpass_client.leases.sends import Asking, Send, pause_ms
from modelpass_client.reports import VOID

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.leases.tuning import Tuning
    from modelpass_client.policies import Policies
    from modelpass_client.reports import Report

Json = dict[str, Any]

_LOOK_MS = 450


class Lease:
    """Decides for one API key and model. Thread-safe; `next_send`, `answered` and `unanswered` are for one sender."""

    def __init__(  # noqa: PLR0913 - what surrounds it
        self,
        key: str,
        model: str,
        *,
        tuning: Tuning,
        policies: Policies,
        settle: Callable[[str, Report], None],
        wake: Callable[[Lease], None],
        clock: Callable[[], float],
        age: Age,
    ) -> None:
        """Hold nothing yet. `settle` takes last reports, `wake` has `next_send` called soon."""
        self.key, self.model = key, model
        self._tuning, self._policies, self._age = tuning, policies, age
        self._settle, self._wake, self._clock = settle, wake, clock
        self.changed = threading.Condition(threading.Lock())
        self._lock = self.changed
        self._desk: Desk | None = None
        self._draining: list[Desk] = []
        self._asking: Asking | None = None
        self._under_way: Send | None = None
        self._demand = Demand(tuning, age)
        self._asked = self._told = 0  # numbers of sends that ask for room: of the last one, and of the last answered
        self._lasts: list[tuple[str, Report]] = []
        self._woken = False
        self._release = self.closing = False
        self._name = uuid.uuid4().hex
        self._numbers = itertools.count()

    # -- requests

    def grant(
        self,
        units: int,
        calls: int = 1,
        unit_free: bool = False,  # noqa: FBT001, FBT002 - the hot path names nothing
        prompt_units: int | None = None,
    ) -> Grant | None:
        """A grant, at once, where the hold has room; None where it has none."""
        now_ms = int(self._clock() * 1000)
        demand = self._demand
        with self._lock:
            demand.rate.count(units, calls, now_ms)
            made = self._take(units, calls, units or (0 if unit_free else 1), prompt_units, now_ms)
            desk = self._desk
            wakes = not self._woken and (
                not demand.rests(now_ms)
                if desk is None
                else desk.hold.free_units < demand.low_units or desk.hold.free_calls < demand.low_calls
            )
            if wakes:
                self._woken = True
        if wakes:
            self._wake(self)
        return made

    def enlist(
        self,
        units: int,
        calls: int = 1,
        unit_free: bool = False,  # noqa: FBT001, FBT002 - the hot path names nothing
        prompt_units: int | None = None,
    ) -> Wish:
        """Have the next report ask for a request that found no room; then `poll`, and `withdraw` to give up."""
        with self._lock:
            wish = Wish(units, calls, units or (0 if unit_free else 1), prompt_units, self._asked)
            self._demand.wishes[wish] = None
            self._woken = True
        self._wake(self)
        return wish

    def poll(self, wish: Wish) -> Grant | None:
        """The grant of an enlisted request; None while it waits, and once `wish.over` tells to ask the service."""
        with self._lock:
            return self.polled(wish)

    def polled(self, wish: Wish) -> Grant | None:
        """The same, by who has the lock of `changed`."""
        now_ms = int(self._clock() * 1000)
        made = self._take(wish.units, wish.calls, wish.least, wish.prompt_units, now_ms)
        if made is None:
            waits = not (self._stuck or self.closing) and self._demand.may_fit(wish, self._hold, now_ms)
            wish.over = not waits or (self._told > wish.after and not self._demand.may_wait_on(wish, self._asked))
        if made is not None or wish.over:
            self._demand.wishes.pop(wish, None)
        return made

    def withdraw(self, wish: Wish) -> None:
        """Forget an enlisted request."""
        with self._lock:
            self._demand.wishes.pop(wish, None)

    def note(self, answer: Json) -> None:
        """Learn from the answer to a request that asked the service by itself."""
        with self._lock:
            self._demand.see(answer, self._hold, int(self._clock() * 1000))
            if answer.get("allowed") is True:
                self._demand.wake()
        self._wake(self)

    @property
    def tier(self) -> object:
        """The service tier of what may begin now; None without a hold."""
        desk = self._desk
        return None if desk is None else desk.tier

    @property
    def _stuck(self) -> bool:
        """Whether what would make room has not been answered in time."""
        waits = self._asking or self._desk
        return waits is not None and waits.failures > 0

    @property
    def _hold(self) -> Hold | None:
        return None if self._desk is None else self._desk.hold

    def _take(self, units: int, calls: int, least: int, prompt_units: int | None, now_ms: int) -> Grant | None:
        desk = self._desk
        if desk is None:
            return None
        if desk.reported:
            desk.collect()
        hold = desk.hold
        if not hold.begin(units, calls, least, now_ms):
            return None
        made = Grant(
            {**desk.facts, "heldUsage": units},
            request_id=f"{self._name}-{next(self._numbers)}",
            sink=desk,
            policies=self._policies,
            start_before=hold.start_before_ms / 1000,
            expires_at=hold.expires_ms / 1000,
            calls=calls,
            prompt_units=prompt_units,
            clock=self._clock,
        )
        desk.open[made] = None
        return made

    # -- what to send

    def next_send(self) -> Send | None:
        """What is to be sent now, if anything; then call `answered` or `unanswered`. Last reports go to `settle`."""
        now_ms = int(self._clock() * 1000)
        send = None
        with self._lock:
            self._woken = False
            if self._release:
                self._release_all()
            for desk in self._desks():
                desk.collect()
                desk.lose(now_ms, self._tuning.longest_ms)
            self._end_what_is_over(now_ms)
            if self._under_way is None:
                self._under_way = send = self._due(now_ms)
        self._hand_over()
        return send

    def look_at_ms(self) -> int | None:
        """When to call `next_send` again; None: not before the lease wakes its sender."""
        now_ms = int(self._clock() * 1000)
        with self._lock:
            times = [self._ask_at(now_ms), *(self._part_at(desk, now_ms) for desk in self._desks())]
            if self._desk is not None or self._draining:
                times.append(now_ms + _LOOK_MS)
            return None if self._under_way else min((at for at in times if at is not None), default=None)

    def _due(self, now_ms: int) -> Send | None:
        for desk in self._desks():
            at = self._part_at(desk, now_ms)
            if at is not None and at <= now_ms:
                return self._part_of(desk, now_ms)
        asks = self._ask_at(now_ms)
        return self._ask(now_ms) if asks is not None and asks <= now_ms else None

    def _part_at(self, desk: Desk, now_ms: int) -> int | None:
        """When a part of a hold is due."""
        hold, demand = desk.hold, self._demand
        if hold.part is not None:
            return desk.again_ms
        if not hold.in_parts:
            return None
        current, free = desk is self._desk, hold.free_units > 0 or hold.free_calls > 0
        soonest, regular = demand.soonest_ms(), desk.sent_ms + self._tuning.part_ms
        if (current and demand.needs_more(hold, self._asked)) or (demand.scarce and free):
            return soonest
        if desk.has_reports or free or (current and demand.active(now_ms) and not demand.rests(now_ms)):
            return max(soonest, regular)
        return None

    def _part_of(self, desk: Desk, now_ms: int) -> Send:
        part = desk.hold.part
        if part is None:
            wanted = (0, 0)
            if desk is self._desk:
                wanted = self._demand.want(desk.hold, now_ms)
                self._asked += 1
            desk.number = self._asked if desk is self._desk else 0
            desk.sent_ms = now_ms
            part = desk.hold.part_for(*wanted, now_ms)
            self._demand.sent(now_ms)
        return Send("settle", wire.part_payload(part, self.key, self._tuning.hold_seconds), desk.number, now_ms, desk)

    def _ask_at(self, now_ms: int) -> int | None:
        """When the request for a hold is due."""
        if self._asking is not None:
            return self._asking.again_ms
        demand = self._demand
        if self._desk is not None or self.closing or demand.rests(now_ms) or not demand.active(now_ms):
            return None
        return demand.soonest_ms()

    def _ask(self, now_ms: int) -> Send:
        if self._asking is None:
            units, calls = self._demand.want(None, now_ms)
            least = min(units, max(1, self._demand.rate.typical(now_ms)[0]))
            payload = wire.hold_payload(self.key, self.model, (units, least, calls), self._tuning.hold_seconds)
            self._asked += 1
            self._asking = Asking(Send("authorize", payload, self._asked, now_ms))
            self._demand.sent(now_ms)
        return self._asking.send

    # -- answers

    def answered(self, send: Send, answer: Json) -> None:
        """Take the answer of what was sent. One that decides nothing counts as none."""
        now_ms = int(self._clock() * 1000)
        take = self._hold_answered if send.desk is None else self._part_answered
        with self.changed:
            self._under_way = None
            if take(send, answer, now_ms):
                self._told = max(self._told, send.number)
            else:
                self._failed(send, now_ms)
            self.changed.notify_all()
        self._hand_over()

    def unanswered(self, send: Send) -> None:
        """Take that there was no answer: the same is sent again later, and who waits asks the service by himself."""
        with self.changed:
            self._under_way = None
            self._failed(send, int(self._clock() * 1000))
            self.changed.notify_all()

    def _hold_answered(self, send: Send, answer: Json, now_ms: int) -> bool:
        if not wire.is_decision(answer):
            return False
        self._asking = None
        self._demand.see(answer, None, now_ms)
        if answer["allowed"] is False:
            if wire.is_of_older_service(answer):
                self._age.is_older(now_ms)
            self._demand.rest(now_ms)
            return True
        standing = wire.granted(answer, send.payload["calls"])
        if standing is None:
            self._age.is_older(now_ms)
        if standing is None or self.closing:
            self._lasts.append((answer["authorizationId"], VOID))
            return True
        self._demand.wake()
        self._desk = Desk(Hold(standing, send.sent_ms, self._tuning), answer, now_ms)
        return True

    def _part_answered(self, send: Send, answer: Json, now_ms: int) -> bool:
        desk = send.desk
        if desk is None or desk.hold.part is None:
            return True  # it was given up meanwhile
        standing = wire.part_taken(answer, desk.hold.part)
        if standing is None and not wire.is_refused_for_good(answer):
            return False
        desk.failures = 0
        if standing is None:
            if wire.is_of_older_service(answer):
                self._age.is_older(now_ms)
            desk.hold.unbook()
        else:
            desk.hold.answered(standing, send.sent_ms)
            desk.show(answer)
            self._demand.see(answer, self._hold, now_ms)
        return True

    def _failed(self, send: Send, now_ms: int) -> None:
        waits = send.desk or self._asking
        if waits is not None:
            waits.again_ms = now_ms + pause_ms(waits.failures)
            waits.failures += 1

    # -- ending

    def _desks(self) -> list[Desk]:
        return [*self._draining] if self._desk is None else [self._desk, *self._draining]

    def _drain(self) -> None:
        """Let what has begun on the hold go on, and nothing new."""
        if self._desk is not None:
            self._desk.hold.stop()
            self._draining.append(self._desk)
            self._desk = None

    def _end_what_is_over(self, now_ms: int) -> None:
        """Make last reports of holds on which nothing is open and nothing will begin."""
        desk, demand = self._desk, self._demand
        if desk is not None:
            unused = not desk.open and (demand.rests(now_ms) or not demand.active(now_ms))
            if desk.hold.ending or self.closing or unused:
                self._drain()
        for over in [d for d in self._draining if not d.open and d.hold.part is None]:
            self._draining.remove(over)
            self._lasts.append((over.hold.authorization_id, over.last()))

    def _hand_over(self) -> None:
        """Give last reports to the settler, whose spool writes to a disk, without the lock that decisions need."""
        while self._lasts:
            self._settle(*self._lasts.pop(0))

    def release(self) -> None:
        """Have everything handed back and booked that can be, soon. Takes no lock, for signal handlers."""
        self._release = True
        self._wake(self)

    def _release_all(self) -> None:
        self._release = False
        self._drain()
        for desk in self._draining:
            desk.sent_ms = -self._tuning.part_ms

    def close(self) -> None:
        """Grant nothing any more, and end each hold as soon as nothing is open on it."""
        self.closing = True
        self.release()
        with self.changed:
            self.changed.notify_all()

    @property
    def quiet(self) -> bool:
        """Whether all that was released is booked. Takes no lock."""
        if self._release or (self.closing and self._under_way is not None):
            return False
        return not any(desk.has_reports or desk.hold.part for desk in [*self._draining])

    @property
    def ended(self) -> bool:
        """Whether nothing is held, wanted or under way."""
        return not (self._desk or self._draining or self._asking or self._demand.wishes or self._lasts)

    def abandon(self) -> None:
        """End everything now: open grants are booked as the policies say; a part without an answer is reported anew.

        Should that part have been booked after all, its repeat books nothing, and what was used since is lost.
        """
        with self._lock:
            self._drain()
            for desk in self._draining:
                desk.settle_all()
                if desk.hold.part is not None:
                    desk.hold.unbook()
                self._lasts.append((desk.hold.authorization_id, desk.last()))
            self._draining.clear()
            self._asking = None
        self._hand_over()
