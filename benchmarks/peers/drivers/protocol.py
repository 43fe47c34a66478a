"""What the harness and a driver say to each other: one JSON object a line, a question and its answer.

Rule: nothing but the standard library, for every peer's environment runs this. CPU time is that of the whole process.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

Json = dict[str, Any]


class Peer(Protocol):
    """What every driver can do; any of these may be a coroutine instead.

    `check` gives the grant, or None where it is refused; a peer that has nothing to report says so.
    """

    reports: bool

    @abstractmethod
    def prepare(self, name: str, calls: int, tokens: int, window_seconds: int) -> Any:
        """Make a key with these caps; what it returns is handed to the other methods, in every process."""

    @abstractmethod
    def check(self, key: Any, tokens: int, number: str) -> Any:
        """Ask whether one request of so many tokens may go through."""

    @abstractmethod
    def report(self, key: Any, grant: Any, used: int) -> Any:
        """Report what it really used."""

    @abstractmethod
    def left(self, key: Any) -> Any:
        """How many tokens could be granted now."""


def serve(peer: Peer, more: Mapping[str, Callable[..., Awaitable[Json]]] | None = None) -> None:
    """Answer questions until there are no more; `more` are questions besides those below, by what asks them."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a peer prints is not an answer
    asyncio.run(_serve(peer, out, more or {}))


async def _serve(peer: Peer, out: Any, more: Mapping[str, Callable[..., Awaitable[Json]]]) -> None:
    _say(out, {"reports": peer.reports})
    while line := await asyncio.to_thread(sys.stdin.readline):
        question = json.loads(line)
        try:
            what = question.pop("do")
            answer = await (more[what](peer, **question) if what in more else _answer(peer, what, question))
        except Exception as error:  # the harness is told
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        _say(out, answer)


def _say(out: Any, answer: Json) -> None:
    out.write(json.dumps(answer) + "\n")
    out.flush()


async def _answer(peer: Peer, what: str, arguments: Json) -> Json:
    match what:
        case "prepare":
            names = ("name", "calls", "tokens", "window_seconds")
            return {"key": await settled(peer.prepare(*(arguments[name] for name in names)))}
        case "measure":
            return await _measure(peer, **arguments)
        case "race" if inspect.iscoroutinefunction(peer.check):
            return await _race_of_tasks(peer, **arguments)
        case "race":
            return await asyncio.to_thread(_race_of_threads, peer, **arguments)
        case "hold":
            held = peer.check(arguments["key"], arguments["tokens"], f"held-{os.urandom(4).hex()}")
            return {"held": await settled(held) is not None}
        case "left":
            return {"left": await settled(peer.left(arguments["key"]))}
    raise ValueError(what)


async def settled(given: Any) -> Any:
    """What a method returned, or what its coroutine does."""
    return await given if inspect.isawaitable(given) else given


async def _measure(peer: Peer, key: Any, times: int, tokens: int, used: int) -> Json:
    """The CPU seconds of so many checks, and of their reports."""
    seconds = {"check": 0.0, "report": 0.0}
    mark = os.urandom(4).hex()

    async def once(number: str) -> None:
        began = time.process_time()
        given = peer.check(key, tokens, number)
        grant = await given if inspect.isawaitable(given) else given
        checked = time.process_time()
        if grant is None:
            raise RuntimeError("refused where nothing is used up")
        given = peer.report(key, grant, used)
        if inspect.isawaitable(given):
            await given
        seconds["check"] += checked - began
        seconds["report"] += time.process_time() - checked

    for number in range(times):
        await asyncio.create_task(once(f"{mark}-{number}"))  # a context of its own, as each request has one
    return seconds


class Tally:
    """What became of the attempts of a race."""

    def __init__(self, attempts: int) -> None:
        self.counts = {"granted": 0, "refused": 0, "failed": 0}
        self.failure = ""
        self._lock = threading.Lock()
        self._numbers = iter(range(attempts))
        self._mark = os.urandom(4).hex()

    def next(self) -> str | None:
        """The id of the next attempt, while there is one."""
        with self._lock:
            number = next(self._numbers, None)
        return None if number is None else f"{self._mark}-{number}"

    def count(self, what: str, failure: str = "") -> None:
        """Count one attempt; keep how the first that failed did."""
        with self._lock:
            self.counts[what] += 1
            self.failure = self.failure or failure


def _race_of_threads(peer: Peer, key: Any, attempts: int, workers: int, tokens: int, used: int) -> Json:
    tally = Tally(attempts)
    gate = threading.Barrier(workers)

    def work() -> None:
        gate.wait()
        while number := tally.next():
            try:
                grant = peer.check(key, tokens, number)
                if grant is not None:
                    peer.report(key, grant, used)
                tally.count("refused" if grant is None else "granted")
            except Exception as error:  # counted
                tally.count("failed", f"{type(error).__name__}: {error}"[:200])

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {**tally.counts, "failure": tally.failure, "workers": "threads"}


async def _race_of_tasks(peer: Peer, key: Any, attempts: int, workers: int, tokens: int, used: int) -> Json:
    tally = Tally(attempts)

    async def attempt(number: str) -> None:
        try:
            grant = await peer.check(key, tokens, number)
            if grant is not None:
                await peer.report(key, grant, used)
            tally.count("refused" if grant is None else "granted")
        except Exception as error:  # counted
            tally.count("failed", f"{type(error).__name__}: {error}"[:200])

    async def work() -> None:
        while number := tally.next():
            await asyncio.create_task(attempt(number))  # likewise

    await asyncio.gather(*(work() for _ in range(workers)))
    return {**tally.counts, "failure": tally.failure, "workers": "tasks"}
