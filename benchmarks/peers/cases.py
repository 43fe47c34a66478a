"""The measurements, one function each, and all rows alike. Rule: only the client's own CPU time counts as its cost."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers.driver import DriverError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.peers.driver import Driver

Json = dict[str, Any]
HUGE_CALLS, HUGE_TOKENS = 10**9, 5 * 10**8
TOKENS, USED = 100, 60
"""What a request is held to need, and what it reports to have used."""
CALLS_CAP: Final = 1_000
CALLS_ATTEMPTS: Final = 1_200
WORKERS: Final = 16
TOKENS_CAP: Final = 30_000
TOKENS_ATTEMPTS: Final = 700
"""Of both instances together: more than can be granted with every report on time, which is 500."""
CRASH_CAP, CRASH_USES = 1_000, 2
BACK_WITHIN_SECONDS: Final = 75.0
_LOOK_EVERY_SECONDS: Final = 0.1


@dataclass(slots=True)
class Figures:
    """What is known of a row; a reason where it, or one of its cases, could not be measured."""

    reason: str = ""
    reasons: dict[str, str] = field(default_factory=dict)
    reports: bool = True
    check_us: list[float] = field(default_factory=list)
    report_us: list[float] = field(default_factory=list)
    check_calls: str = ""
    report_calls: str = ""
    check_units: str = ""
    report_units: str = ""
    calls_race: Json | None = None
    tokens_race: Json | None = None
    crash: Json | None = None


def measure_once(driver: Driver, key: Any, times: int) -> tuple[float, float]:
    """Microseconds of CPU of a check, and of a report, on average of one round."""
    seconds = driver.ask("measure", key=key, times=times, tokens=TOKENS, used=USED)
    return seconds["check"] / times * 1e6, seconds["report"] / times * 1e6


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """The median of the ratios of rounds that ran one after the other."""
    return statistics.median(mine / theirs for mine, theirs in zip(one, other, strict=True))


def together(figures: Figures) -> list[float]:
    """A check and its report, by rounds."""
    return [check + report for check, report in zip(figures.check_us, figures.report_us, strict=True)]


def calls_race(driver: Driver, name: str, window_seconds: int) -> Json:
    """So many workers of one process at a cap of calls, where tokens are no matter."""
    key = driver.ask("prepare", name=name, calls=CALLS_CAP, tokens=HUGE_TOKENS, window_seconds=window_seconds)["key"]
    race = driver.ask("race", key=key, attempts=CALLS_ATTEMPTS, workers=WORKERS, tokens=TOKENS, used=USED)
    return {**race, "beyond": beyond(race["granted"], 1, CALLS_CAP)}


def tokens_race(drivers: Sequence[Driver], name: str, window_seconds: int) -> Json:
    """Instances at one cap of tokens, each request using less than it was held to need, and saying so."""
    key = drivers[0].ask("prepare", name=name, calls=HUGE_CALLS, tokens=TOKENS_CAP, window_seconds=window_seconds)[
        "key"
    ]
    for driver in drivers[1:]:
        driver.ask("left", key=key)  # ready, before any begins
    share, workers = TOKENS_ATTEMPTS // len(drivers), WORKERS // len(drivers)
    for driver in drivers:
        driver.tell("race", key=key, attempts=share, workers=workers, tokens=TOKENS, used=USED)
    race = added([driver.answer() for driver in drivers])
    each = USED if drivers[0].reports else TOKENS
    used = race["granted"] * each
    return {**race, "beyond": beyond(race["granted"], each, TOKENS_CAP), "used": used}


def added(races: Sequence[Mapping[str, Any]]) -> Json:
    """Several races as one."""
    counts = {what: sum(race[what] for race in races) for what in ("granted", "refused", "failed")}
    failure = next((race["failure"] for race in races if race["failure"]), "")
    return {**counts, "failure": failure, "workers": races[0]["workers"]}


def beyond(granted: int, each: int, cap: int) -> int:
    """How much more was granted than a cap allows."""
    return max(0, granted * each - cap)


def crash(holder: Driver, witness: Driver, name: str, window_seconds: int) -> Json:
    """Kill an instance between a check and its report, and let another look whether and when the tokens are back."""
    arguments = {"name": name, "calls": HUGE_CALLS, "tokens": CRASH_CAP, "window_seconds": window_seconds}
    key = holder.ask("prepare", **arguments)["key"]
    holder.ask("race", key=key, attempts=CRASH_USES, workers=1, tokens=TOKENS, used=USED)
    before = holder.ask("left", key=key)["left"]
    if not holder.ask("hold", key=key, tokens=TOKENS)["held"]:
        raise DriverError("refused where enough is left")
    held = time.monotonic()
    holder.kill()
    after = witness.ask("left", key=key)["left"]
    back = None
    while back is None and time.monotonic() < held + BACK_WITHIN_SECONDS:
        if witness.ask("left", key=key)["left"] >= before:
            back = time.monotonic() - held
        else:
            time.sleep(_LOOK_EVERY_SECONDS)
    return {"stuck": max(0, before - after), "forgotten": max(0, after - before), "back": back}
