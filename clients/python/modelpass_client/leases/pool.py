"""All leases of a process. Rule: a lease never grants what the service might refuse, and never decides alone to refuse.

A key gets a lease when the router asks for one, or by itself when it runs hot. Requests that a lease has no room for,
and those with wishes that a lease cannot keep, ask the service as ever: a refusal is always the service's own.
API keys stay in memory.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.backend import Backend, BackendError
from modelpass_client.errors import Refused, unavailable
from modelpass_client.forks import starts_anew
from modelpass_client.leases.demand import Age
from modelpass_client.leases.lease import Lease
from modelpass_client.leases.senders import Senders
from modelpass_client.leases.tuning import tuning_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.asking import Asked
    from modelpass_client.grant import Grant
    from modelpass_client.leases.sends import Send
    from modelpass_client.policies import Policies
    from modelpass_client.settler import Settler

Json = dict[str, Any]

LOG: Final = logging.getLogger("modelpass_client")

_MOST_COUNTED: Final = 4096
_MOST_SECOND_TRIES: Final = 8
_SECOND_TRY_SECONDS: Final = 1.0
_STEP_SECONDS: Final = 0.01


class Leases:
    """The leases of one client, by key and model; thread-safe. `grant_for` never blocks."""

    def __init__(  # noqa: PLR0913 - the clock and the pause are given by tests
        self,
        backend: Backend,
        settler: Settler,
        policies: Policies,
        *,
        ask: Callable[[Asked, float], Grant],
        hot: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`ask` asks the service for one request; with `hot`, keys that run hot get a lease by themselves."""
        self._backend, self._settler, self._policies, self._ask = backend, settler, policies, ask
        self._hot, self._clock, self._sleep = hot, clock, sleep
        self._tuning = tuning_of(policies)
        self._possible = may_lease(backend)
        if not self._possible:
            LOG.warning("This way to the service does not check its clock: requests are granted one by one.")
        self._begin()
        starts_anew(self)

    def _begin(self) -> None:
        self._leases: dict[tuple[str, str], Lease] = {}
        self._ending: dict[Lease, None] = {}
        self._asked_for: set[tuple[str, str]] = set()
        self._counted: dict[tuple[str, str], tuple[int, int]] = {}
        self._age = Age()
        self._making = threading.Lock()
        self._second_tries = threading.BoundedSemaphore(_MOST_SECOND_TRIES)
        self._senders = Senders(self._look, self._clock, self._policies.lease_threads)
        self._closed = False

    def after_fork(self) -> None:
        """In a child: the leases of the parent are the parent's."""
        self._begin()

    # -- requests

    def grant_for(self, asked: Asked) -> Grant | None:
        """A grant that a lease has room for; None: call `granted`, which may block."""
        lease = self._leases.get((asked.key, asked.model))
        if lease is None:
            if self._hot:
                self._count(asked)
            return None
        return lease.grant(*_figures(asked)) if _is_plain(asked) and _is_of_tier(lease, asked) else None

    def granted(self, asked: Asked, until: float) -> Grant:
        """A grant of a lease that makes room for it, or of the service itself; raises `Refused`.

        Where a limit refuses while units are held that would make room, the service is asked once more after a second:
        another process may hand them back.
        """
        lease = self._leases.get((asked.key, asked.model))
        if lease is None:
            return self._ask(asked, until)
        if _is_plain(asked) and _is_of_tier(lease, asked):
            made = self._waited(lease, asked, until)
            if made is not None:
                return made
        try:
            return self._noted(lease, asked, until)
        except Refused as refused:
            if not would_make_room(refused.answer, asked) or not self._second_tries.acquire(blocking=False):
                raise
        try:
            self._sleep(_SECOND_TRY_SECONDS)
        finally:
            self._second_tries.release()
        return self._noted(lease, asked, max(until, self._clock() + _SECOND_TRY_SECONDS))

    def _waited(self, lease: Lease, asked: Asked, until: float) -> Grant | None:
        wish = lease.enlist(*_figures(asked))
        with lease.changed:
            while True:
                made = lease.polled(wish)
                if made is not None or wish.over:
                    return made
                left = until - self._clock()
                if left <= 0:
                    break
                lease.changed.wait(left)
        lease.withdraw(wish)
        raise unavailable()

    def _noted(self, lease: Lease, asked: Asked, until: float) -> Grant:
        try:
            made = self._ask(asked, until)
        except Refused as refused:
            lease.note(refused.answer)
            raise
        lease.note(made._answer)  # noqa: SLF001 - one package
        return made

    # -- leases

    def open(self, key: str, model: str) -> None:
        """Have requests of this key and model decided on a lease from now on; it takes a hold with the first."""
        with self._making:
            self._asked_for.add((key, model))
        self._make(key, model)

    def end(self, key: str, model: str) -> None:
        """Hand everything back as soon as what has begun has ended; further requests ask the service."""
        with self._making:
            self._asked_for.discard((key, model))
            lease = self._leases.pop((key, model), None)
            if lease is not None:
                self._ending[lease] = None
        if lease is not None:
            lease.close()

    def _count(self, asked: Asked) -> None:
        second = int(self._clock())
        place = (asked.key, asked.model)
        begun, number = self._counted.get(place, (second, 0))
        number = number + 1 if begun == second else 1
        if len(self._counted) >= _MOST_COUNTED:
            self._counted = {}
        self._counted[place] = second, number
        if number > self._policies.hot_per_second:
            self._make(*place)

    def _make(self, key: str, model: str) -> None:
        with self._making:
            if not self._possible or self._closed or (key, model) in self._leases:
                return
            if len(self._leases) >= self._policies.most_leases:
                return
            self._leases[key, model] = Lease(
                key,
                model,
                tuning=self._tuning,
                policies=self._policies,
                settle=self._settler.submit,
                wake=self._senders.wake,
                clock=self._clock,
                age=self._age,
            )

    # -- sending

    def _look(self, lease: Lease) -> int | None:
        """Send what a lease wants sent, and tell when to look again."""
        while (send := lease.next_send()) is not None:
            answer = self._sent(send)
            if answer is None:
                lease.unanswered(send)
            else:
                lease.answered(send, answer)
        at_ms = lease.look_at_ms()
        if at_ms is None:
            self._forget(lease)
        return at_ms

    def _sent(self, send: Send) -> Json | None:
        try:
            way = self._backend.authorize if send.function == "authorize" else self._backend.settle
            answer: object = way(send.payload)
        except BackendError:
            return None
        except Exception:  # whatever a way to the service does, the same is sent again
            LOG.exception("Asking the service for a lease failed in an unexpected way; it is asked again.")
            return None
        return answer if isinstance(answer, dict) else None

    def _forget(self, lease: Lease) -> None:
        """Let go of a lease that holds nothing, unless the router asked for it."""
        place = (lease.key, lease.model)
        with self._making:
            if not lease.ended:
                return
            self._ending.pop(lease, None)
            if self._leases.get(place) is lease and place not in self._asked_for:
                del self._leases[place]

    # -- ending

    def flush(self, timeout: float) -> bool:
        """Book all that has finished and hand back what is free, and wait for it; False if time ran out.

        Requests that come meanwhile take new holds. Safe in signal handlers.
        """
        ends = self._clock() + timeout
        for lease in self._all():
            lease.release()
        while not all(lease.quiet for lease in self._all()):
            if self._clock() >= ends:
                return False
            self._sleep(_STEP_SECONDS)
        return True

    def close(self, timeout: float) -> None:
        """End all leases: open grants are booked as the policies say, and last reports go to the settler."""
        self._closed = True
        for lease in self._all():
            lease.close()
        self.flush(timeout)
        for lease in self._all():
            lease.abandon()
        self._leases, self._ending = {}, {}
        self._senders.close()

    def _all(self) -> list[Lease]:
        return [*self._leases.values(), *self._ending]


def may_lease(backend: Backend) -> bool:
    """Whether leases are right on this way: in the router's own process, its clock decides, so that must be checked."""
    direct = type(backend).__module__.startswith("modelpass_client.direct")
    return bool(getattr(backend, "clock_checked", not direct))


def would_make_room(answer: Json, asked: Asked) -> bool:
    """Whether a limit refuses a request for which what others hold would be enough."""
    monthly = answer.get("monthly") or {}
    held = monthly.get("held", 0)
    if (answer.get("error") or {}).get("code") == "daily_call_limit_reached":
        return bool(held)  # how many calls others hold, nobody tells
    least = max(1, asked.estimate if asked.minimum is None else asked.minimum)
    at_limit = (answer.get("error") or {}).get("code") == "monthly_cap_reached"
    return at_limit and held > 0 and monthly.get("remaining", 0) + held >= least


def _is_plain(asked: Asked) -> bool:
    """Whether a lease can keep what a request wishes: no hold and no id of its own."""
    return asked.request_id is None and asked.hold_seconds is None


def _is_of_tier(lease: Lease, asked: Asked) -> bool:
    return asked.tier is None or lease.tier in {None, asked.tier}


def _figures(asked: Asked) -> tuple[int, int, bool, int | None]:
    return asked.estimate, asked.calls, asked.unit_free, asked.prompt_units
