"""`make cost`: what a million requests cost, from what they consume here on the engine and the prices in `prices.json`.

Rule: units, requests and bytes are measured; prices and the milliseconds that Lambda bills are assumptions, and are
printed as such. What it prints is what `docs/cost.md` shows.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import abuse, given
from local.dynamodb import engine
from tests.support.lines import recorded
from tests.support.world import DAY_MS, World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS: Final = 50
MILLION: Final = 1_000_000
PRICES: Final = Path(__file__).with_name("prices.json")
GIB: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Used:
    """What one case took on average: invocations of Lambda, units of the store, bytes of the logs."""

    invocations: int
    write_units: Decimal
    read_units: Decimal
    log_bytes: Decimal


def measured(world: World, times: int, invocations: int, case: Callable[[int], object]) -> Used:
    """Carry a case out some times, and average what it took."""
    world.recorder.clear()
    with recorded("INFO") as written:
        for number in range(times):
            case(number)
    writes, reads = Decimal(world.recorder.write_units), Decimal(world.recorder.read_units)
    return Used(invocations, writes / times, reads / times, Decimal(len(written.getvalue().encode())) / times)


def cases(world: World) -> dict[str, Used]:
    """Every case that is worth a row."""
    key = world.buy(models=[model(calls=10**6, cap=10**9)])["apiKey"]
    bought = world.buy("of a key that is replaced")
    world.regenerate(bought["subscriptionId"], "of a key that is replaced")

    def pair(number: int) -> None:
        granted = world.authorize(key, f"pair-{number}", 4000)
        assert world.settle(granted["authorizationId"], 1234)["settled"]

    def first_of_a_day(number: int) -> None:
        world.clock.advance(DAY_MS)
        pair(1000 + number)

    def refused(number: int, by: World | None = None) -> None:
        assert not (by or world).authorize(key, f"refused-{number}", 10**10)["allowed"]

    def refused_first(number: int) -> None:
        refused(number, world.another_process())

    def replaced(number: int) -> None:
        assert not world.authorize(bought["apiKey"], f"replaced-{number}")["allowed"]

    pair(-1)
    granted = {
        "authorize + settle": measured(world, PAIRS, 2, pair),
        "the same, the first of a day": measured(world, 5, 2, first_of_a_day),
    }
    refused(-1)
    replaced(-1)
    return {
        **granted,
        "authorize that is refused": measured(world, PAIRS, 1, refused_first),
        "the same, again in one process": measured(world, PAIRS, 1, refused),
        "a key that was replaced, again in one process": measured(world, PAIRS, 1, replaced),
    }


def row(name: str, used: Used, prices: dict[str, Decimal], billed_ms: Decimal, memory_mib: Decimal) -> str:
    """One case, a million times, in dollars."""
    store = used.write_units * prices["writeUnitsPerMillion"] + used.read_units * prices["readUnitsPerMillion"]
    seconds = used.invocations * billed_ms / 1000 * MILLION
    run = used.invocations * prices["lambdaRequestsPerMillion"] + seconds * memory_mib / 1024 * prices["lambdaGbSecond"]
    logs = used.log_bytes * MILLION / GIB * prices["logsPerGb"]
    figures = [f"{used.write_units:.2f}", f"{used.read_units:.2f}", f"{used.log_bytes:.0f}"]
    money = [f"{amount:.2f}" for amount in (store, run, logs, store + run + logs)]
    return f"| {' | '.join([name, *figures, *money])} |"


def main() -> None:
    """Measure, and print a table in Markdown."""
    prices = {name: Decimal(str(value)) for name, value in json.loads(PRICES.read_text("utf-8"))["dollars"].items()}
    billed_ms, memory = given.positive("BILLED_MS", 8), given.positive("MEMORY_MIB", 512)
    with engine.running() as url:
        found = cases(new_world(url))
        abused = abuse.cases(new_world(url), url)
    sys.stdout.write(f"Dollars per million, at {billed_ms} ms billed per invocation of {memory} MiB:\n\n")
    head = ["case", "write units", "read units", "bytes logged", "DynamoDB", "Lambda", "logs", "together"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for name, used in found.items():
        print(row(name, used, prices, billed_ms, memory))
    assumed = f"{abuse.WAIT_MS} ms for each request to the store, and CPU time by {abuse.SHARE} of a core"
    print(f"\nWhat abuse costs, in dollars per million; milliseconds are {assumed}:\n")
    print(abuse.table(abused, prices, memory))
    print(f"\n{abuse.dearest(abused, prices, memory, abuse.throttle())}")


if __name__ == "__main__":
    main()
