"""The client of a router that uses threads. Rule: nothing is granted unless the service granted it.

Asking takes at most `policies.authorize_seconds`, if the backend keeps its own bounds; reporting never blocks. Making
a client starts nothing: threads start with the first grant, so that a server may fork its workers after it.
"""

from __future__ import annotations

import atexit
import os
import time
import weakref
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

from modelpass_client.asking import Asked
from modelpass_client.dialect import Dialect
from modelpass_client.errors import unavailable
from modelpass_client.policies import Policies
from modelpass_client.questions import Questions
from modelpass_client.settler import Settler
from modelpass_client.streams import GrantedStream
from modelpass_client.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from modelpass_client.backend import Backend, Queue
    from modelpass_client.grant import Grant
    from modelpass_client.reports import Report
    from modelpass_client.spool import Spool

Json = dict[str, Any]
T = TypeVar("T")

_LEASES: Final = "modelpass_client.leases"  # loaded by those who use them
_RECOVER_SECONDS: Final = 60.0


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
        self._questions = Questions(backend, self.dialect, self.policies, self, clock=clock, sleep=sleep)
        self._recovered_at: float | None = None
        self._closed = False
        self._at_exit = _closes_at_exit(self)
        self.leases: Any = self._made_leases(hot=True) if hot_leases else None

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
        leased: Grant | None = self.leases.grant_for(asked)
        return leased

    def granted(self, asked: Asked, until: float) -> Grant:
        """A grant that has to be waited for: of a lease that makes room, or of the service."""
        if self.leases is None:
            return self.from_service(asked, until)
        made: Grant = self.leases.granted(asked, until)
        return made

    def stream(
        self,
        grant: Grant,
        chunks: Iterable[T],
        count: Callable[[T], int] | None = None,
        usage: Callable[[T], int | None] | None = None,
    ) -> GrantedStream[T]:
        """Wrap the upstream's chunks so that the grant is settled however the stream ends (see `streams`)."""
        return GrantedStream(grant, chunks, self.watch, count, usage)

    def lease(self, key: str, model: str) -> Any:
        """A lease on a key's model, from which the process decides by itself, within what it holds."""
        return import_module(_LEASES).KeyLease(self, self.with_leases(), key, model)

    def with_leases(self) -> Any:
        """The leases of this client, made if there were none."""
        if self.leases is None:
            self.leases = self._made_leases(hot=False)
        return self.leases

    def describe_key(self, key: str) -> Json:
        """What a key may use, as the service tells it; raises `Refused`."""
        return self._questions.describe_key(key)

    # Ending

    def flush(self, timeout: float) -> bool:
        """Hurry, and wait until every report is answered for good; False where time ran out: the spool has the rest."""
        ends = self._clock() + timeout
        self.watch.drain()
        booked = self.leases is None or self.leases.flush(timeout)
        return self.settler.flush(max(0.0, ends - self._clock())) and booked

    def hurry(self) -> None:
        """Send what waits for later now, without waiting for it."""
        self.settler.hurry()

    def settle_all(self, timeout: float) -> bool:
        """Book every open grant as the policies say, for the process ends, and flush. Safe in signal handlers."""
        ends = self._clock() + timeout
        if self.leases is not None:
            self.leases.close(timeout)
        self.watch.finish_all()
        return self.flush(max(0.0, ends - self._clock()))

    def close(self, timeout: float | None = None) -> None:
        """Book open grants as the policies say, flush, and let go of threads and connections; nothing is granted after.

        Waits for `timeout` seconds at most (None: `policies.exit_seconds`), and for what the backend has under way.
        """
        if self._closed:
            return
        self._closed = True
        bound = self.policies.exit_seconds if timeout is None else timeout
        ends = self._clock() + bound
        self.settle_all(bound)
        self.watch.stop()
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

    def _made_leases(self, *, hot: bool) -> Any:
        return import_module(_LEASES).Leases(
            self.backend,
            self.settler,
            self.policies,
            ask=self.from_service,
            hot=hot,
            clock=self._clock,
            sleep=self._sleep,
        )

    def from_service(self, asked: Asked, until: float) -> Grant:
        """A grant of the service itself, asked for until a time of the clock at most."""
        self.watch.start()
        grant = self._questions.ask(asked, until)
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
