"""How often a row asks its store for a check and a report, and what that consumes. Rule: alike for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers.cases import HUGE_CALLS, HUGE_TOKENS, TOKENS, USED
from benchmarks.peers.redis import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.cases import Figures
    from benchmarks.peers.driver import Driver
    from benchmarks.peers.metering import Meter

TIMES: Final = 5
"""Few enough that no more holds are open than fit one write unit."""


def dynamodb(driver: Driver, meter: Meter, key: Any, figures: Figures) -> None:
    """Requests and units of a driver behind a meter."""

    def look() -> tuple[float, float, float]:
        seen = sum(meter.requests.values()), meter.write_units, meter.read_units
        meter.clear()
        return seen

    pair, check = _pair_and_check(driver, key, look)
    report = [both - alone for both, alone in zip(pair, check, strict=True)]
    figures.check_calls, figures.report_calls = f"{check[0]:g}", f"{report[0]:g}"
    figures.check_units, figures.report_units = _units(*check[1:]), _units(*report[1:])


def redis(driver: Driver, address: str, key: Any, figures: Figures) -> None:
    """Commands of a driver that a watch sees."""
    with Watch(address) as watch:
        pair, check = _pair_and_check(driver, key, watch.seen)
    report = [both - alone for both, alone in zip(pair, check, strict=True)]
    figures.check_calls, figures.report_calls = _commands(*check), _commands(*report)


def prepared(driver: Driver, name: str, window_seconds: int) -> Any:
    """A key whose caps nobody reaches."""
    arguments = {"name": name, "calls": HUGE_CALLS, "tokens": HUGE_TOKENS, "window_seconds": window_seconds}
    return driver.ask("prepare", **arguments)["key"]


def _pair_and_check(driver: Driver, key: Any, look: Callable[[], tuple[float, ...]]) -> tuple[list[float], list[float]]:
    """What a check and its report ask for on average, and what a check alone does."""
    pairs = {"key": key, "times": TIMES, "tokens": TOKENS, "used": USED}
    driver.ask("measure", **pairs)  # what only a first request asks for is behind
    look()
    driver.ask("measure", **pairs)
    pair = [seen / TIMES for seen in look()]
    for _ in range(TIMES):
        driver.ask("hold", key=key, tokens=TOKENS)
    return pair, [seen / TIMES for seen in look()]


def _units(write: float, read: float) -> str:
    return f"{write:g} W" + (f" + {read:g} R" if read else "")


def _commands(sent: float, inside: float) -> str:
    return f"{sent:g}" + (f" ({inside:g} in scripts)" if inside else "")
