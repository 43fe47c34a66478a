"""`make bench-restore`: what `make restore` takes among 100,000 items: units, requests, memory and seconds.

Rule: it prints the figures that `docs/scale.md` shows, and asserts only that the tables are equal then. Units and
requests are exact and the same on every machine; seconds are this machine's, where the engine works beside it, without
a bound on units and without a network in between. Dollars are by the prices in `prices.json`.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import given
from benchmarks.cost import MILLION, PRICES
from local.dynamodb import engine
from modelpass import schema
from modelpass.entitlements import history as entitlement_history
from modelpass.entitlements import items as entitlement_items
from ops.restore.command import UNITS
from ops.restore.pace import Pace
from ops.restore.progress import Progress
from ops.restore.store import Store
from ops.restore.tables import Pair, differences, make_equal
from tests.support.builders import entitlement
from tests.support.crowd import id_of
from tests.support.world import new_world

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from modelpass.schema import Item
    from tests.support.world import World

_BATCH: Final = 25
_A_DAY: Final = 4_000
"""Rows of the history that are of one day."""
_SECONDS_OF_HOUR: Final = 3600
MANY: Final = 10_000_000


def main() -> None:
    """Measure, and print."""
    size = given.positive_whole("ITEMS", 100_000)
    figures = "put   deleted  requests  read units  write units  CPU ms an item  seconds  peak MB"
    print(f"table         items  case              {figures}")
    with engine.running() as url, tempfile.TemporaryDirectory() as folder:
        for kind, keys, item, count in (
            ("history", ("pk", "sk"), _day, size // 10),
            ("history", ("pk", "sk"), _day, size),
            ("entitlements", ("pk",), _entitlement, size // 10),
        ):
            _table(url, Path(folder), kind, keys, item, count)


def _table(url: str, folder: Path, kind: str, keys: tuple[str, ...], item: Callable[[int], Item], size: int) -> None:
    restored, live = new_world(url), new_world(url)
    pair = Pair(kind, getattr(live.tables, kind), getattr(restored.tables, kind), keys)
    began = time.monotonic()
    _fill(restored, pair.restored, item, range(size))
    sys.stderr.write(f"{size} items are there after {time.monotonic() - began:.0f} s\n")
    all_written = _case(live, folder, pair, "all missing", size)
    _fill(live, pair.live, item, range(size, size + size // 10))
    for number in range(0, size, 10):
        live.quick.delete_item(TableName=pair.live, Key={name: item(number)[name] for name in keys})
    _case(live, folder, pair, "a tenth differs", size)
    _ten_million(all_written, size)
    for world in (restored, live):
        world.drop_tables()


def _fill(world: World, table: str, item: Callable[[int], Item], numbers: range) -> None:
    for first in range(numbers.start, numbers.stop, _BATCH):
        puts = [{"PutRequest": {"Item": item(n)}} for n in range(first, min(first + _BATCH, numbers.stop))]
        assert not world.quick.batch_write_item(RequestItems={table: puts}).get("UnprocessedItems")


def _day(number: int) -> Item:
    """A closed day of a model, as requests and the reset write it."""
    day = f"2026-{1 + number // _A_DAY // 28:02d}-{1 + number // _A_DAY % 28:02d}"
    key = entitlement_history.day_key(id_of(number % _A_DAY), day)
    figures = {"v": schema.number(schema.NEWEST), "calls": schema.number(50), "units": schema.number(123_456)}
    return {**schema.primary_key(key), **figures}


def _entitlement(number: int) -> Item:
    """An entitlement that was used, with its due mark."""
    pk = entitlement_items.entitlement_pk(id_of(number))
    stored = entitlement_items.entitlement_item(entitlement())
    return {**stored, "pk": schema.text(pk), **schema.due_attributes(pk, 1_795_392_000_000 + number)}


class _Counting:
    """A client that counts its requests."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.requests = 0

    def __getattr__(self, method: str) -> Any:
        self.requests += 1
        return getattr(self._dynamodb, method)


def _case(live: World, folder: Path, pair: Pair, case: str, size: int) -> tuple[float, float]:
    """Make the tables equal and compare them, as `make restore` does; gives the read and the write units."""
    client = _Counting(live.dynamodb)
    store = Store(client, Pace(10**9), Pace(10**9))
    progress = Progress.opened(folder / "progress.json", {})
    began, cpu_began = time.monotonic(), time.process_time()

    def unheard(_: str, __: Counter[str]) -> None:
        """Nobody watches."""

    make_equal(store, pair, progress, unheard)
    assert differences(store, pair, unheard) == 0
    seconds, cpu_ms = time.monotonic() - began, (time.process_time() - cpu_began) * 1000 / size
    put, deleted = (progress.count(pair.walk(walk), "written") for walk in ("put", "delete"))
    progress.forget()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = f"{put:8}{deleted:10}{client.requests:10}{store.reads.spent:12g}{store.writes.spent:13g}"
    print(f"{pair.kind:12}{size:8}  {case:15}{figures}{cpu_ms:16.2f}{seconds:9.0f}{peak_mb:9.0f}")
    return store.reads.spent, store.writes.spent


def _ten_million(units: tuple[float, float], size: int) -> None:
    """What ten million items would take, all of them missing."""
    prices = json.loads(PRICES.read_text("utf-8"))["dollars"]
    rows = (("read", "readUnitsPerMillion", "all compared"), ("write", "writeUnitsPerMillion", "all written"))
    for (kind, price, what), of in zip(rows, units, strict=True):
        millions = of / size * MANY / MILLION
        hours = millions * MILLION / UNITS / _SECONDS_OF_HOUR
        paid = f"{millions:.0f} million {kind} units, {millions * float(prices[price]):.2f} dollars"
        print(f"  ten million, {what}: {paid}, {hours:.1f} h at {UNITS} a second")


if __name__ == "__main__":
    main()
