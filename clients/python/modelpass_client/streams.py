"""Streams of a granted request. Rule: a stream settles its grant once, whatever way it ends.

| it ends by | booked |
|---|---|
| being read to its end | what `usage` found, else what `count` counted, else the estimate |
| an error of the upstream | the same of what was delivered; nothing, if nothing was |
| the customer leaving (`close`, cancellation) | what was delivered, with the prompt |
| never being read, or being dropped half-read | the same, when the collector finds it |

What `count` and `usage` raise ends the stream, as an error of the upstream does.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
    from types import TracebackType

    from modelpass_client.grant import Grant
    from modelpass_client.watch import Watch

T = TypeVar("T")


class _Meter(Generic[T]):
    """What a stream has delivered, told to its grant."""

    def __init__(
        self, grant: Grant, watch: Watch, count: Callable[[T], int] | None, usage: Callable[[T], int | None] | None
    ) -> None:
        self.grant, self._watch, self._count, self._usage = grant, watch, count, usage
        self._units = 0

    def sees(self, chunk: T) -> None:
        if self._count is not None:
            self._units += self._count(chunk)
        self.grant.delivered(self._units)
        if self._usage is not None and (used := self._usage(chunk)) is not None:
            self.grant.used(used)

    def dropped(self) -> None:
        """Nobody can read on; the collector may run anywhere, so the watch's thread books it."""
        if not self.grant.claimed:
            self._watch.abandon(self.grant, GeneratorExit())


class GrantedStream(_Meter[T]):
    """An iterator over the chunks of an upstream that settles its grant; also a context manager that closes it."""

    def __init__(
        self,
        grant: Grant,
        chunks: Iterable[T],
        watch: Watch,
        count: Callable[[T], int] | None = None,
        usage: Callable[[T], int | None] | None = None,
    ) -> None:
        """Wrap chunks; `count` tells the units of the output in a chunk, `usage` the final figure where it is."""
        super().__init__(grant, watch, count, usage)
        self._chunks: Iterator[T] = iter(chunks)

    def __iter__(self) -> GrantedStream[T]:
        return self

    def __next__(self) -> T:
        try:
            chunk = next(self._chunks)
            self.sees(chunk)
        except StopIteration:
            self.grant.finish()
            raise
        except BaseException as error:
            self.grant.finish(error)
            raise
        return chunk

    def close(self) -> None:
        """End the stream where it is, and the upstream's, if that can be closed."""
        self.grant.finish(GeneratorExit())
        _close = getattr(self._chunks, "close", None)
        if _close is not None:
            _close()

    def __enter__(self) -> GrantedStream[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.grant.finish(error)
        self.close()

    def __del__(self) -> None:
        self.dropped()


class GrantedAsyncStream(_Meter[T]):
    """The same for asynchronous chunks."""

    def __init__(
        self,
        grant: Grant,
        chunks: AsyncIterable[T],
        watch: Watch,
        count: Callable[[T], int] | None = None,
        usage: Callable[[T], int | None] | None = None,
    ) -> None:
        """Wrap chunks; `count` tells the units of the output in a chunk, `usage` the final figure where it is."""
        super().__init__(grant, watch, count, usage)
        self._chunks: AsyncIterator[T] = aiter(chunks)

    def __aiter__(self) -> GrantedAsyncStream[T]:
        return self

    async def __anext__(self) -> T:
        try:
            chunk = await anext(self._chunks)
            self.sees(chunk)
        except StopAsyncIteration:
            self.grant.finish()
            raise
        except BaseException as error:
            self.grant.finish(error)  # at once and without awaiting: a cancelled task may not await again
            raise
        return chunk

    async def aclose(self) -> None:
        """End the stream where it is, and the upstream's, if that can be closed."""
        self.grant.finish(GeneratorExit())
        for name in ("aclose", "close"):
            close: Any = getattr(self._chunks, name, None)
            if close is not None:
                ending = close()
                if inspect.isawaitable(ending):
                    await ending
                return

    async def __aenter__(self) -> GrantedAsyncStream[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.grant.finish(error)
        await self.aclose()

    def __del__(self) -> None:
        self.dropped()
