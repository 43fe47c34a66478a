"""The client of a router that uses threads. Rule: nothing is granted unless the service granted it.

Asking takes at most `policies.authorize_seconds`, if the backend keeps its own bounds; reporting never blocks. Making
a client starts nothing: threads start with the first grant, so that a server may fork its workers after it.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import time
import weakref
from typing import TYPE_CHECKING, Any, Final, TypeVar

from modelpass_client.asking import Asked, is_decided, refusal
from modelpass_client.backend import Backend, BackendError, Queue
from modelpass_client.dialect import Dialect
from modelpass_client.errors import Refused, unavailable
from modelpass_client.grant import Grant
from modelpass_client.policies import Policies
from modelpass_client.settler import Settler
from modelpass_client.streams import GrantedStream
from modelpass_client.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from modelpass_client.reports import Report
    from modelpass_client.spool import Spool

Json = dict[str, Any]
T = TypeVar("T")

LOG: Final = logging.getLogger("modelpass_client")

_RECOVER_SECONDS: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 1.0


class Client:
    """Asks for grants and reports them, from any thread. Close it, or use it as a context manager."""

    def __init__(  # noqa: PLR0913 - the clock and the pause are given by tests
        self,
        backend: Backend,
        *,
        policies: Policies | None = None,
        spool: Spool | None = None,
        queue: Queue | None = None,
        hot_leases: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Use a way to the service. `spool` keeps reports through the end of the process; `queue` is a second way.

        With `hot_leases`, keys that run hot get a lease by themselves.
        """
        self.policies = policies or Policies()
        self.backend = backend
        self.dialect = Dialect()
        self.settler = Settler(
            backend, self.policies, spool=spool, queue=queue, dialect=self.dialect, clock=clock, sleep=sleep
        )
        self.watch = Watch(self.policies.lost_usage_seconds, self._chores, clock=clock)
        self._clock, self._sleep = clock, sleep
        self._units: dict[str, str] = {}  # of models that were granted: refusals do not tell theirs
        self._recovered_at: float | None = None
        self._closed = False
        self._at_exit = _closes_at_exit(self)
        self.leases: Any = self._made_leases() if hot_leases else None

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Client:
        """A client as the environment says; raises `ConfigurationError`, which names what is wrong."""
        from modelpass_client import settings  # noqa: PLC0415 - what it chooses from is loaded late

        return cls(**settings.arguments(environment))

    # Asking

    def authorize(  # noqa: PLR0913 - what a request may say
        self,
        key: str,
        model: str,
        estimate: int,
        *,
        minimum: int | None = None,
        tier: str | None = None,
        calls: int = 1,
        hold_seconds: int | None = None,
        unit_free: bool = False,
        request_id: str | None = None,
        prompt_units: int | None = None,
    ) -> Grant:
        """Ask for the right to make one upstream request; raises `Refused`, also where nobody can be asked.

        `estimate` is an upper bound of the units, prompt included. With `minimum`, what is left is granted where the
        month has less than the estimate: bound the output by `held_units` then. `prompt_units` is what a request costs
        that the customer leaves before any output. The caller must settle, void or finish the grant; what is forgotten
        is booked as its estimate before its hold ends.
        """
        return self.ask(
            Asked(key, model, estimate, minimum, tier, calls, hold_seconds, unit_free, request_id, prompt_units)
        )

    def request(  # noqa: PLR0913 - what a request may say
        self,
        key: str,
        model: str,
        *,
        estimate: int,
        minimum: int | None = None,
        tier: str | None = None,
        calls: int = 1,
        hold_seconds: int | None = None,
        unit_free: bool = False,
        request_id: str | None = None,
        prompt_units: int | None = None,
    ) -> Request:
        """`with client.request(…) as grant:` asks at the beginning and settles at the end, whatever way it ends."""
        return Request(
            self, Asked(key, model, estimate, minimum, tier, calls, hold_seconds, unit_free, request_id, prompt_units)
        )

    def ask(self, asked: Asked, until: float | None = None) -> Grant:
        """Ask, until a time of the clock at most; `authorize` comes here."""
        leased = self.leased(asked)
        if leased is not None:
            return leased
        return self.granted(asked, self._clock() + self.policies.authorize_seconds if until is None else until)

    def leased(self, asked: Asked) -> Grant | None:
        """A grant that a lease has room for, at once; None: ask the service. Raises `Refused` where neither may be."""
        if self._closed:
            raise unavailable("This client is closed.")
        if self.settler.full:
            raise unavailable("Too many reports wait to be delivered.")
        asked.check()
        if self.leases is None:
            return None
        leased: Grant | None = self.leases.grant_for(asked.key, asked.model, asked.estimate, asked.calls, asked.tier)
        return leased

    def stream(
        self,
        grant: Grant,
        chunks: Iterable[T],
        count: Callable[[T], int] | None = None,
        usage: Callable[[T], int | None] | None = None,
    ) -> GrantedStream[T]:
        """Wrap the upstream's chunks so that the grant is settled however the stream ends (see `streams`)."""
        return GrantedStream(grant, chunks, self.watch, count, usage)

    def lease(self, key: str, model: str, **wishes: Any) -> Any:
        """A lease on a key's model, from which the process decides by itself, within what it holds."""
        if self.leases is None:
            self.leases = self._made_leases()
        return self.leases.lease(key, model, **wishes)

    def describe_key(self, key: str) -> Json:
        """What a key may use, as the service tells it; raises `Refused`."""
        try:
            answer = self.backend.describe_key({"apiKey": key})
        except BackendError as error:
            raise unavailable() from error
        if "error" in answer:
            raise Refused(answer)
        return answer

    # Ending

    def flush(self, timeout: float) -> bool:
        """Hurry, and wait until every report is answered for good; False where time ran out: the spool has the rest."""
        self.watch.drain()
        return self.settler.flush(timeout)

    def hurry(self) -> None:
        """Send what waits for later now, without waiting for it."""
        self.settler.hurry()

    def close(self, timeout: float | None = None) -> None:
        """Book open grants as the policies say, flush, and let go of threads and connections; nothing is granted after.

        Waits for `timeout` seconds at most (None: `policies.exit_seconds`), and for what the backend has under way.
        """
        if self._closed:
            return
        self._closed = True
        bound = self.policies.exit_seconds if timeout is None else timeout
        ends = self._clock() + bound
        if self.leases is not None:
            self.leases.close(bound)
        self.watch.close()
        self.settler.flush(max(0.0, ends - self._clock()))
        self.settler.close(max(0.0, ends - self._clock()))
        self.backend.close()
        atexit.unregister(self._at_exit)

    def flush_at_sigterm(self) -> None:
        """Have SIGTERM flush before it does what it did so far; only in the main thread (see `signals`)."""
        from modelpass_client import signals  # noqa: PLC0415 - only if asked for

        signals.flush_at_sigterm(self)

    def __enter__(self) -> Client:  # noqa: PYI034 - `Self` is of Python 3.11
        """Take over what earlier processes left in the spool."""
        self.watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What grants and the watch call

    def book(self, grant: Grant, report: Report) -> None:
        """Take the report of a grant of this client (a `Sink`)."""
        self.settler.book(grant, report)
        self.watch.forget(grant)

    def _chores(self) -> None:
        now = self._clock()
        if self._recovered_at is None or now - self._recovered_at >= _RECOVER_SECONDS:
            self._recovered_at = now
            self.settler.recover()
        self.settler.load()

    def _made_leases(self) -> Any:
        from modelpass_client.leases import Leases  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - only where leases are used

        return Leases(self.backend, self.settler, self.policies)

    # One question

    def granted(self, asked: Asked, until: float) -> Grant:
        """A grant of the service itself, asked for until a time of the clock at most."""
        self.watch.start()
        payload = asked.payload(self.policies.hold_seconds)
        began = self._clock()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            sent = self._clock()
            spoken = self.dialect.spoken(payload)
            answer = self._answer(spoken)
            if answer is not None and self.dialect.learns(spoken, answer):
                continue
            if answer is not None and is_decided(answer):
                return self._decided(asked, payload, answer, began, sent)
            if self._clock() + pause >= until:
                raise Refused(answer) if answer is not None and "error" in answer else unavailable()
            self._sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 - spreads repeats, keeps no secret
            pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)

    def _answer(self, payload: Json) -> Json | None:
        try:
            answer: object = self.backend.authorize(payload)
        except BackendError:
            return None
        except Exception:  # whatever a way to the service does, nothing was granted
            LOG.exception("Asking the service failed in an unexpected way: the request is refused.")
            return None
        return answer if isinstance(answer, dict) else None

    def _decided(self, asked: Asked, payload: Json, answer: Json, began: float, sent: float) -> Grant:
        if not answer["allowed"]:
            unit = self._units.get(asked.model)
            raise Refused({"unit": unit, **answer} if unit and "monthly" in answer else answer)
        if answer.get("replayed") and asked.request_id is not None:
            # A service without attempts: under an id of the router, the grant may be another process's.
            raise refusal(409, "request_in_progress", "Another attempt at this request was granted before.")
        self._units[asked.model] = answer["unit"]
        ends = began + payload["holdSeconds"]  # a repeat may be answered by the grant of the first
        start_within_ms = answer.get("startWithinMs")
        grant = Grant(
            answer,
            request_id=payload["requestId"],
            sink=self,
            policies=self.policies,
            start_before=ends if start_within_ms is None else min(ends, sent + start_within_ms / 1000),
            expires_at=ends,
            calls=asked.calls,
            prompt_units=asked.prompt_units,
            clock=self._clock,
        )
        self.watch.add(grant)
        if self._closed:  # meanwhile, and so nobody would look after it
            grant.void()
            raise unavailable("This client is closed.")
        return grant


class Request:
    """A request of a `Client`, for one `with`."""

    def __init__(self, client: Client, asked: Asked) -> None:
        """Ask nothing yet."""
        self._client, self._asked = client, asked
        self._grant: Grant | None = None

    def __enter__(self) -> Grant:
        self._grant = self._client.ask(self._asked)
        return self._grant

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._grant is not None:
            self._grant.finish(error)


def _closes_at_exit(client: Client) -> Callable[[], None]:
    """Close a client when the interpreter ends, unless it is closed or gone by then."""
    known = weakref.ref(client)

    def at_exit() -> None:
        found = known()
        if found is not None:
            found.close()

    return atexit.register(at_exit)
