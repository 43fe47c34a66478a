"""The client of a router that uses asyncio. Rule: the event loop never waits for the service, a disk or a lock.

All that blocks runs in a bounded pool of threads. When the service hangs, it is these threads that wait; once they and
the places before them are taken, requests are refused. A request whose task was cancelled while it asked has its grant
voided as soon as the answer comes.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from modelpass_client.asking import Asked
from modelpass_client.client import Client
from modelpass_client.errors import unavailable
from modelpass_client.forks import starts_anew
from modelpass_client.grant import Grant
from modelpass_client.streams import GrantedAsyncStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Mapping
    from types import TracebackType

    from modelpass_client.backend import Backend, Queue
    from modelpass_client.policies import Policies
    from modelpass_client.spool import Spool

Json = dict[str, Any]
T = TypeVar("T")

_GRACE_SECONDS: Final = 1.0
"""How much longer than its bound the backend may take before the task stops waiting for it."""
_LOOK_SECONDS: Final = 0.01


class AsyncClient:
    """The names of `Client`, to be awaited. It may be made outside a loop, and used by several, one after the other."""

    def __init__(  # noqa: PLR0913 - as `Client`
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
        """Use a way to the service, as `Client` does; `sync` is that client, for what needs no awaiting."""
        self.sync = Client(
            backend, policies=policies, spool=spool, queue=queue, hot_leases=hot_leases, clock=clock, sleep=sleep
        )
        self.policies = self.sync.policies
        self._clock = clock
        self._begin()
        starts_anew(self)

    def _begin(self) -> None:
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._counting = threading.Lock()
        self._under_way = 0
        self._closing = False

    def after_fork(self) -> None:
        """In a child: threads of its own."""
        self._begin()

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> AsyncClient:
        """A client as the environment says; raises `ConfigurationError`, which names what is wrong."""
        from modelpass_client import settings  # noqa: PLC0415 - what it chooses from is loaded late

        return cls(**settings.arguments(environment))

    async def authorize(  # noqa: PLR0913 - what a request may say
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
        """Ask for the right to make one upstream request, as `Client.authorize`; also refuses when the pool is full."""
        return await self._ask(
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
    ) -> AsyncRequest:
        """`async with client.request(…) as grant:` asks at the beginning and settles at the end."""
        return AsyncRequest(
            self, Asked(key, model, estimate, minimum, tier, calls, hold_seconds, unit_free, request_id, prompt_units)
        )

    def stream(
        self,
        grant: Grant,
        chunks: AsyncIterable[T],
        count: Callable[[T], int] | None = None,
        usage: Callable[[T], int | None] | None = None,
    ) -> GrantedAsyncStream[T]:
        """Wrap the upstream's chunks so that the grant is settled however the stream ends (see `streams`)."""
        return GrantedAsyncStream(grant, chunks, self.sync.watch, count, usage)

    def lease(self, key: str, model: str) -> Any:
        """A lease on a key's model, from which the process decides by itself, within what it holds."""
        leases = import_module("modelpass_client.leases")
        return leases.AsyncKeyLease(self, self.sync.with_leases(), key, model)

    async def describe_key(self, key: str) -> Json:
        """What a key may use, as the service tells it; raises `Refused`."""
        return await self._in_pool(lambda: self.sync.describe_key(key), lambda _: None)

    async def flush(self, timeout: float) -> bool:
        """Hurry, and wait until every report is answered for good; False where time ran out."""
        return await asyncio.to_thread(self.sync.flush, timeout)

    async def close(self, timeout: float | None = None) -> None:
        """Book open grants, flush, and let go of threads and connections; nothing is granted after."""
        bound = self.policies.exit_seconds if timeout is None else timeout
        await asyncio.to_thread(self._close, bound)

    def _close(self, bound: float) -> None:
        ends = time.monotonic() + bound
        self._closing = True
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
            while self._under_way and time.monotonic() < ends:  # what is asked may be granted, and is voided then
                time.sleep(_LOOK_SECONDS)
        self.sync.close(max(0.0, ends - time.monotonic()))

    aclose = close

    def flush_at_sigterm(self) -> None:
        """Have SIGTERM flush before it does what it did so far (see `signals` for servers with their own handlers)."""
        self.sync.flush_at_sigterm()

    async def __aenter__(self) -> AsyncClient:  # noqa: PYI034 - `Self` is of Python 3.11
        """Take over what earlier processes left in the spool."""
        self.sync.watch.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, asked: Asked) -> Grant:
        leased = self.sync.leased(asked)
        if leased is not None:
            return leased
        until = self._clock() + self.policies.authorize_seconds
        return await self._in_pool(lambda: self.sync.granted(asked, until), Grant.void)

    async def _in_pool(self, work: Callable[[], T], unwanted: Callable[[T], object]) -> T:
        """Run what blocks; its result goes to `unwanted` where the task does not wait for it any more."""
        job = _Job(work, unwanted, self._ended)
        future = self._submitted(job)
        waiting = asyncio.wrap_future(future)
        try:
            done, _ = await asyncio.wait({waiting}, timeout=self.policies.authorize_seconds + _GRACE_SECONDS)
        except BaseException:
            _give_up(job, future, waiting)
            raise
        if not done or waiting.cancelled():
            _give_up(job, future, waiting)
            raise unavailable()
        return waiting.result()

    def _submitted(self, job: _Job[T]) -> concurrent.futures.Future[T]:
        with self._counting:
            if self._closing:
                raise unavailable("This client is closed.")
            if self._under_way >= self.policies.async_threads + self.policies.async_waiting:
                raise unavailable("Too many requests wait for the entitlement service.")
            self._under_way += 1
            if self._pool is None:
                self._pool = concurrent.futures.ThreadPoolExecutor(
                    self.policies.async_threads, thread_name_prefix="modelpass-ask"
                )
            pool = self._pool
        try:
            future = pool.submit(job.run)
        except RuntimeError as error:  # closed meanwhile, or the interpreter ends
            self._ended()
            raise unavailable() from error
        future.add_done_callback(lambda ended: self._ended() if ended.cancelled() else None)
        return future

    def _ended(self) -> None:
        with self._counting:
            self._under_way -= 1


class _Job(Generic[T]):
    """Work in a thread whose result goes to one of two: the task that waits or, once that gave up, `unwanted`."""

    def __init__(self, work: Callable[[], T], unwanted: Callable[[T], object], ended: Callable[[], None]) -> None:
        self._work, self._unwanted, self._ended = work, unwanted, ended
        self._lock = threading.Lock()
        self._given_up = False
        self._results: list[T] = []

    def run(self) -> T:
        try:
            result = self._work()
            with self._lock:
                self._results.append(result)
                wanted = not self._given_up
            if not wanted:
                self._unwanted(result)
            return result
        finally:
            self._ended()  # last: who waits for it may rely on all of it having happened

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
            late = list(self._results)
        for result in late:
            self._unwanted(result)


class AsyncRequest:
    """A request of an `AsyncClient`, for one `async with`."""

    def __init__(self, client: AsyncClient, asked: Asked) -> None:
        """Ask nothing yet."""
        self._client, self._asked = client, asked
        self._grant: Grant | None = None

    async def __aenter__(self) -> Grant:
        self._grant = await self._client._ask(self._asked)  # noqa: SLF001 - one class in two
        return self._grant

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._grant is not None:
            self._grant.finish(error)


def _give_up(job: _Job[T], future: concurrent.futures.Future[T], waiting: asyncio.Future[T]) -> None:
    waiting.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else looks at it
    future.cancel()  # where it has not begun
    job.give_up()
