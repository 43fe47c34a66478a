"""A stream settles its grant once, whatever way it ends."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.client import Client
from modelpass_client.policies import Policies
from modelpass_client.streams import GrantedAsyncStream, GrantedStream
from tests.client.core.backends import Scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

USAGE = {"usage": 70}


class Router:
    """A client with one grant of 4,000 units for a prompt of 10, and what was booked of it."""

    def __init__(self) -> None:
        self.backend = Scripted()
        self.client = Client(self.backend, policies=Policies(settle_threads=0))
        self.grant = self.client.authorize("key", "m", 4000, prompt_units=10)
        self.upstream_closed = False

    def chunks(self, *chunks: Any, fails: bool = False) -> Iterator[Any]:
        try:
            yield from chunks
            if fails:
                raise ConnectionError
        finally:
            self.upstream_closed = True

    async def async_chunks(self, *chunks: Any, fails: bool = False, hangs: bool = False) -> AsyncIterator[Any]:
        try:
            for chunk in chunks:
                yield chunk
            if hangs:
                await asyncio.Event().wait()
            if fails:
                raise ConnectionError
        finally:
            self.upstream_closed = True

    def stream(self, chunks: Iterator[Any]) -> GrantedStream[Any]:
        return self.client.stream(self.grant, chunks, count=_count, usage=_usage)

    def booked(self) -> list[Any]:
        assert self.client.flush(10)
        return [(report["actualUsage"], report["usageSource"], report.get("calls")) for report in self.backend.settled]


def _count(chunk: Any) -> int:
    return 0 if isinstance(chunk, dict) else len(chunk)


def _usage(chunk: Any) -> int | None:
    return chunk["usage"] if isinstance(chunk, dict) else None


def astream(router: Router, chunks: AsyncIterator[Any]) -> GrantedAsyncStream[Any]:
    return GrantedAsyncStream(router.grant, chunks, router.client.watch, _count, _usage)


def test_stream_that_is_complete_books_what_the_upstream_reported() -> None:
    router = Router()
    assert list(router.stream(router.chunks("abc", USAGE, ""))) == ["abc", USAGE, ""]
    assert router.booked() == [(70, "reported", None)]


def test_complete_stream_without_usage_books_what_was_counted() -> None:
    router = Router()
    list(router.stream(router.chunks("abc", "de")))
    assert router.booked() == [(15, "counted", None)]


def test_error_after_output_books_what_was_delivered_and_before_it_nothing() -> None:
    for chunks, booked in ((("abc",), (13, "counted", None)), ((), (0, "reported", 0))):
        router = Router()
        with pytest.raises(ConnectionError):
            list(router.stream(router.chunks(*chunks, fails=True)))
        assert router.booked() == [booked]


def test_consumer_that_closes_books_what_was_delivered_and_closes_the_upstream() -> None:
    router = Router()
    with router.stream(router.chunks("abc", "de")) as stream:
        assert next(stream) == "abc"
    assert router.booked() == [(13, "counted", None)]
    assert router.upstream_closed


def test_stream_inside_a_generator_that_is_closed_books_what_was_delivered() -> None:
    router = Router()

    def served() -> Generator[Any, None, None]:
        with router.stream(router.chunks("abc", "de")) as stream:
            yield from stream

    response = served()
    next(response)
    response.close()  # as servers do when the customer leaves: GeneratorExit
    assert router.booked() == [(13, "counted", None)]


def test_stream_that_is_never_read_books_the_prompt_once_it_is_dropped() -> None:
    router = Router()
    router.stream(router.chunks("abc"))
    gc.collect()
    assert router.booked() == [(10, "counted", None)]


def test_stream_that_is_dropped_half_read_books_what_was_delivered() -> None:
    router = Router()
    stream = router.stream(router.chunks("abc", "de"))
    next(stream)
    del stream
    gc.collect()
    assert router.booked() == [(13, "counted", None)]


def test_grant_that_was_claimed_elsewhere_is_not_booked_by_its_stream() -> None:
    router = Router()
    stream = router.stream(router.chunks("abc"))
    router.grant.void()
    assert list(stream) == ["abc"]
    assert router.booked() == [(0, "reported", 0)]


def test_asynchronous_stream_that_is_complete_books_what_the_upstream_reported() -> None:
    router = Router()

    async def read() -> list[Any]:
        return [chunk async for chunk in astream(router, router.async_chunks("abc", USAGE))]

    assert asyncio.run(read()) == ["abc", USAGE]
    assert router.booked() == [(70, "reported", None)]


def test_asynchronous_error_after_output_books_what_was_delivered() -> None:
    router = Router()

    async def read() -> None:
        async for _ in astream(router, router.async_chunks("abc", fails=True)):
            pass

    with pytest.raises(ConnectionError):
        asyncio.run(read())
    assert router.booked() == [(13, "counted", None)]


def test_task_cancelled_in_the_middle_books_what_was_delivered_at_once() -> None:
    router = Router()

    async def main() -> None:
        began = asyncio.Event()

        async def serve() -> None:
            async with astream(router, router.async_chunks("abc", hangs=True)) as stream:
                async for _ in stream:
                    began.set()

        task = asyncio.create_task(serve())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert router.grant.claimed

    asyncio.run(main())
    assert router.booked() == [(13, "counted", None)]
    assert router.upstream_closed


def test_asynchronous_stream_that_is_closed_or_dropped_books_what_was_delivered() -> None:
    async def read_one(router: Router, *, close: bool) -> None:
        stream = astream(router, router.async_chunks("abc", "de"))
        await anext(stream)
        if close:
            await stream.aclose()
            assert router.upstream_closed

    for close in (True, False):
        router = Router()
        asyncio.run(read_one(router, close=close))
        gc.collect()
        assert router.booked() == [(13, "counted", None)]
