"""From a new key or a cancellation to the last grant under the old key. Rule: what began after the answer is counted.

Several execution environments of authorize are asked under one key without a pause, each for all the models of its
subscription by turns, while its owner asks for a new key or cancels. It runs in real time: what races is real.
"""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks import page, rounds
from benchmarks.callers import ask
from benchmarks.reliability.stage import Stage, body_of, measured, ready
from benchmarks.setting import AUTHORIZE
from tests.support.handlers import http_sample

if TYPE_CHECKING:
    from benchmarks.probing import Probe

Json = dict[str, Any]

CALLERS: Final = 4
ROUNDS: Final = 5
MODELS: Final = 40
BEFORE_SECONDS, AFTER_SECONDS = 0.3, 0.3
WAYS: Final = {"a new key": ("regenerate", "RegenerateFunction"), "a cancellation": ("cancel", "CancelFunction")}
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Asked:
    """One authorize, in seconds of the steady clock."""

    began: float
    ended: float
    granted: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One revocation under the flood."""

    asked: list[Asked]
    answered: float

    @property
    def granted(self) -> list[Asked]:
        """The grants."""
        return [each for each in self.asked if each.granted]

    @property
    def after(self) -> int:
        """The grants that began after the revocation was answered."""
        return sum(each.began > self.answered for each in self.granted)

    @property
    def last_ms(self) -> float:
        """When the last that was granted had begun, after the answer; below zero before it."""
        return (max(each.began for each in self.granted) - self.answered) * 1000


def measure() -> dict[str, str]:
    """The table of this section."""
    rows: list[list[page.Cell]] = []
    with ready() as stage:
        stage.offer(MODELS)
        callers = [stage.probe(AUTHORIZE) for _ in range(CALLERS)]
        for shown, (sample, function) in WAYS.items():
            revoke = stage.probe(function)
            found = [_revoked(stage, callers, revoke, sample) for _ in range(rounds.count(ROUNDS))]
            asked, granted = (sum(len(part) for part in parts) for parts in _parts(found))
            latest = max(each.last_ms for each in found)
            after = sum(each.after for each in found)
            rows.append([shown, len(found), asked, granted, after, f"{latest:.1f}"])
    head = ["revoked by", "times", "authorizes", "granted", "granted that began after the answer"]
    said = f"{CALLERS} execution environments without a pause, {MODELS} models."
    table = page.table([*head, "last grant began, ms after the answer"], rows)
    return {"revocation": f"{measured()} {said}\n\n{table}"}


def _parts(found: list[Found]) -> tuple[list[list[Asked]], list[list[Asked]]]:
    return [each.asked for each in found], [each.granted for each in found]


def _revoked(stage: Stage, callers: list[Probe], revoke: Probe, sample: str) -> Found:
    bought = stage.setting.buy(models=stage.ordered())
    over = threading.Event()

    def flood(caller: Probe) -> list[Asked]:
        asked: list[Asked] = []
        for number in itertools.count():
            if over.is_set():
                return asked
            event = ask(bought["apiKey"], f"f-{next(_numbers)}", 1, modelId=stage.offered[number % MODELS])
            began = time.monotonic()
            (took,) = caller.run([event])
            asked.append(Asked(began, time.monotonic(), took.answer["allowed"]))
        raise AssertionError

    with ThreadPoolExecutor(CALLERS) as pool:
        flooding = [pool.submit(flood, caller) for caller in callers]
        time.sleep(BEFORE_SECONDS)
        (took,) = revoke.run([http_sample(sample, bought["account"], bought["subscriptionId"])])
        answered = time.monotonic()
        time.sleep(AFTER_SECONDS)
        over.set()
        found = Found([each for done in flooding for each in done.result()], answered)
    body_of(took)
    assert found.granted
    return found
