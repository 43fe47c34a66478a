"""Lets one table hold just what another holds. Rule: each thread has at most a page of either in memory.

Two walks make the live table equal. `put` goes through the restored table and asks the live one for the keys of each
page: what is missing there or differs is put, and nothing else. `delete` goes through the keys of the live table and
asks the restored one for them: what it lacks is deleted. Neither needs to know in what order DynamoDB scans, nor which
keys lie in which segment, of which it promises nothing (docs/adr/031-restore-page-by-page.md).
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ops.aws import WORKERS
from ops.batches import MOST_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.schema import Item
    from ops.restore.progress import Progress
    from ops.restore.store import Store

    Told = Callable[[str, Counter[str]], object]

SEGMENTS: Final = WORKERS
"""How many parts of a table are gone through side by side."""
_LIMIT: Final = MOST_KEYS - 1
"""Items of a page: with the last key of the page before, they are asked for in one request."""
PUT: Final = "put"
DELETE: Final = "delete"
_SETS: Final = ("SS", "NS", "BS")


@dataclass(frozen=True, slots=True)
class Pair:
    """A table by what it holds: its name in the deployment, that of the restored one, and the names of its keys."""

    kind: str
    live: str
    restored: str
    keys: tuple[str, ...]

    @property
    def keys_only(self) -> dict[str, Any]:
        """What lets a read give nothing but keys."""
        names = {f"#{name}": name for name in self.keys}
        return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}

    def walk(self, name: str) -> str:
        """The name of a walk through this pair."""
        return f"{self.kind} {name}"


def make_equal(store: Store, pair: Pair, progress: Progress, told: Told) -> None:
    """Let the live table hold what the restored one holds, from where an earlier run was; `progress` counts.

    Raises `UnansweredError`, boto3's errors, and `CommandError` when the progress cannot be kept; what was done until
    then is done for good, and known.
    """

    def put(page: dict[str, Any], _: Item | None) -> _Handled:
        there = _by_key(pair, store.found(pair.live, _keys_of(pair, page["Items"])))
        differing = [item for item in page["Items"] if not _same(item, there.get(_key_of(pair, item)))]
        store.write(pair.live, [{"PutRequest": {"Item": item}} for item in differing])
        return _Handled(len(differing), page.get("LastEvaluatedKey"))

    def delete(page: dict[str, Any], before: Item | None) -> _Handled:
        # A scan must go on from a key that is there: not every DynamoDB goes on from one that is gone. So the last key
        # of a page is looked at with the page after it, and what another run goes on from is a key that is kept.
        keys = [key for key in [*([before] if before else []), *page["Items"]] if key != page.get("LastEvaluatedKey")]
        wanted = _by_key(pair, store.found(pair.restored, keys, **pair.keys_only))
        kept = [key for key in keys if _key_of(pair, key) in wanted]
        beyond = [key for key in keys if _key_of(pair, key) not in wanted]
        store.write(pair.live, [{"DeleteRequest": {"Key": key}} for key in beyond])
        return _Handled(len(beyond), kept[-1] if kept else None)

    _write(store, _Walk(pair.walk(PUT), pair.restored, {}, put), progress, told)
    _write(store, _Walk(pair.walk(DELETE), pair.live, pair.keys_only, delete), progress, told)


def differences(store: Store, pair: Pair, told: Told) -> int:
    """How many items of the two tables differ or are in one of them alone, all of them compared anew.

    What is beyond is told by numbers: when every item of the restored table is in the live one as well, whatever that
    counts more is in the live one alone. Raises `UnansweredError` and boto3's errors.
    """

    def compared(segment: int) -> Iterator[Counter[str]]:
        for page in _pages(store, pair.restored, segment, None, {"Limit": _LIMIT}):
            items = page["Items"]
            there = _by_key(pair, store.found(pair.live, _keys_of(pair, items)))
            differing = sum(not _same(item, there.get(_key_of(pair, item))) for item in items)
            yield Counter(read=len(items), there=len(there), differing=differing)

    def counted(segment: int) -> Iterator[Counter[str]]:
        for page in _pages(store, pair.live, segment, None, {"Select": "COUNT"}):
            yield Counter(read=page["Count"])

    found = _side_by_side(pair.walk("compare"), compared, told)
    beyond = _side_by_side(pair.walk("count"), counted, told)["read"] - found["there"]
    return found["differing"] + max(0, beyond)


def canonical(value: Any) -> Any:
    """An item, or a value in one, in a form in which equal ones are equal: DynamoDB gives sets in any order."""
    if isinstance(value, dict):
        return {name: sorted(held) if name in _SETS else canonical(held) for name, held in value.items()}
    return [canonical(held) for held in value] if isinstance(value, list) else value


class _Handled(NamedTuple):
    """How much was written of a page, and the key after which another run may go on, None for that of before."""

    written: int
    place: Item | None


class _Walk(NamedTuple):
    """Which table is gone through by this name, what of it is read, and what is done with each page.

    `handle` gets the page, and the key of this run that it comes after.
    """

    name: str
    table: str
    options: dict[str, Any]
    handle: Callable[[dict[str, Any], Item | None], _Handled]


def _write(store: Store, walk: _Walk, progress: Progress, told: Told) -> None:
    def one(segment: int) -> Iterator[Counter[str]]:
        done, place = progress.place(walk.name, segment)
        if done:
            return
        before = None
        for page in _pages(store, walk.table, segment, place, {"Limit": _LIMIT, **walk.options}):
            written, place = walk.handle(page, before)
            before = page.get("LastEvaluatedKey")
            counts = {"read": len(page["Items"]), "written": written}
            progress.reach(walk.name, segment, place, done=not before, **counts)
            yield Counter(counts)

    try:
        _side_by_side(walk.name, one, told)
    finally:
        progress.keep()


def _side_by_side(walk: str, one: Callable[[int], Iterator[Counter[str]]], told: Told) -> Counter[str]:
    """Go through all segments, and sum up; where one fails, the others end with the page that they are at."""
    failed = threading.Event()

    def through(segment: int) -> Counter[str]:
        total: Counter[str] = Counter()
        try:
            for counts in one(segment):
                total += counts
                told(walk, counts)
                if failed.is_set():
                    break
        except BaseException:
            failed.set()
            raise
        return total

    with ThreadPoolExecutor(SEGMENTS) as pool:
        return sum(pool.map(through, range(SEGMENTS)), Counter())


def _pages(
    store: Store, table: str, segment: int, place: Item | None, options: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The pages of a segment, from after this key on."""
    request = {"TableName": table, "Segment": segment, "TotalSegments": SEGMENTS, **options}
    while True:
        page = store.page({**request, "ExclusiveStartKey": place} if place else request)
        yield page
        place = page.get("LastEvaluatedKey")
        if not place:
            return


def _same(item: Item, other: Item | None) -> bool:
    return item == other or canonical(item) == canonical(other)


def _keys_of(pair: Pair, items: list[Item]) -> list[Item]:
    return [{name: item[name] for name in pair.keys} for item in items]


def _key_of(pair: Pair, item: Item) -> tuple[str, ...]:
    return tuple(repr(item[name]) for name in pair.keys)


def _by_key(pair: Pair, items: list[Item]) -> dict[tuple[str, ...], Item]:
    return {_key_of(pair, item): item for item in items}
