"""What the harness lets a driver do: some decisions at once, as many as it can, some a second, all that there are.

Rule: nothing but the standard library, and CPU time is that of the whole process, threads in the background included.
A peer's `check` and `report` are those of `benchmarks.peers.drivers.protocol`; one that reports in the background has a
`flush` besides, which is counted as part of its reports.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from typing import TYPE_CHECKING, Any

from benchmarks.peers.drivers import protocol

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


def serve(peer: Any) -> None:
    """Answer questions: those of the peers' protocol, and those below."""
    protocol.serve(peer, {"phases": phases, "flood": flood, "pace": pace, "drain": drain})


async def phases(peer: Any, key: Any, times: int, tokens: int, used: int) -> Json:
    """So many checks, then all their reports: seconds of CPU and of the clock for each."""
    marks = [_marks()]
    grants = [await protocol.settled(peer.check(key, tokens, f"{time.monotonic_ns()}")) for _ in range(times)]
    marks.append(_marks())
    if None in grants:
        raise RuntimeError("refused where nothing is used up")
    for grant in grants:
        await protocol.settled(peer.report(key, grant, used))
    await _flushed(peer)
    marks.append(_marks())
    (cpu, clock), (checked_cpu, checked), (end_cpu, end) = marks
    away = sum(1 for grant in grants if getattr(grant, "authorization_id", None) is not None)
    return {
        "check_cpu": checked_cpu - cpu,
        "check_clock": checked - clock,
        "report_cpu": end_cpu - checked_cpu,
        "report_clock": end - checked,
        "away": away,
    }


async def flood(peer: Any, key: Any, seconds: float, workers: int, tokens: int, used: int) -> Json:
    """As many pairs as so many workers can make, one after the other each."""
    ends = time.monotonic() + seconds

    def more() -> float | None:
        return 0.0 if time.monotonic() < ends else None

    return await _run(peer, key, workers, tokens, used, more)


async def pace(peer: Any, key: Any, seconds: float, rate: float, tokens: int, used: int) -> Json:
    """So many pairs a second, evenly."""
    begun = time.monotonic()
    numbers = iter(range(int(seconds * rate)))

    def more() -> float | None:
        number = next(numbers, None)
        return None if number is None else max(0.0, begun + number / rate - time.monotonic())

    return await _run(peer, key, 1, tokens, used, more)


async def drain(  # noqa: PLR0913, PLR0917 - its clock is given by tests
    peer: Any,
    key: Any,
    patience: float,
    pause: float,
    tokens: int,
    used: int,
    clock: Callable[[], float] = time.monotonic,
) -> Json:
    """Pairs with a pause after each, until every check has been refused for so long."""
    refused_since: list[float] = []

    def more() -> float | None:
        if refused_since and clock() - refused_since[0] > patience:
            return None
        return pause

    def seen(granted: bool) -> None:  # noqa: FBT001 - an outcome
        if granted:
            refused_since.clear()
        elif not refused_since:
            refused_since.append(clock())

    return await _run(peer, key, 1, tokens, used, more, seen)


async def _run(  # noqa: PLR0913, PLR0917 - what a loop is made of
    peer: Any,
    key: Any,
    workers: int,
    tokens: int,
    used: int,
    more: Callable[[], float | None],
    seen: Callable[[bool], None] = lambda _: None,
) -> Json:
    counts: list[Json] = []
    cpu, clock = _marks()
    if inspect.iscoroutinefunction(peer.check):
        await asyncio.gather(*(_tasks(peer, key, tokens, used, more, seen, counts) for _ in range(workers)))
    else:
        threads = [
            threading.Thread(target=_thread, args=(peer, key, tokens, used, more, seen, counts)) for _ in range(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    looped = time.monotonic() - clock
    await _flushed(peer)
    total = {what: sum(each[what] for each in counts) for what in ("granted", "refused", "away")}
    return {**total, "seconds": looped, "cpu": time.process_time() - cpu}


def _thread(  # noqa: PLR0913, PLR0917 - as above
    peer: Any,
    key: Any,
    tokens: int,
    used: int,
    more: Callable[[], float | None],
    seen: Callable[[bool], None],
    counts: list[Json],
) -> None:
    granted = refused = away = 0
    check, report = peer.check, peer.report
    while (wait := more()) is not None:
        if wait:
            time.sleep(wait)
        grant = check(key, tokens, f"{threading.get_ident()}-{granted}")
        seen(grant is not None)
        if grant is None:
            refused += 1
            continue
        granted += 1
        away += getattr(grant, "authorization_id", None) is not None
        report(key, grant, used)
    counts.append({"granted": granted, "refused": refused, "away": away})


async def _tasks(  # noqa: PLR0913, PLR0917 - as above
    peer: Any,
    key: Any,
    tokens: int,
    used: int,
    more: Callable[[], float | None],
    seen: Callable[[bool], None],
    counts: list[Json],
) -> None:
    granted = refused = 0

    async def once() -> bool:
        grant = await peer.check(key, tokens, "")
        if grant is not None:
            await peer.report(key, grant, used)
        return grant is not None

    while (wait := more()) is not None:
        await asyncio.sleep(wait)
        made = await asyncio.create_task(once())  # a context of its own, as each request has one
        seen(made)
        granted, refused = granted + made, refused + (not made)
    counts.append({"granted": granted, "refused": refused, "away": 0})


async def _flushed(peer: Any) -> None:
    flush = getattr(peer, "flush", None)
    if flush is not None:
        await asyncio.to_thread(flush)


def _marks() -> tuple[float, float]:
    return time.process_time(), time.monotonic()
