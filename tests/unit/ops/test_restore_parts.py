"""The parts of a restore: a pace that is kept, progress that never says too much, memory that does not grow."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ops.errors import CommandError
from ops.restore.command import Telling
from ops.restore.pace import Pace
from ops.restore.progress import Progress
from ops.restore.store import Store
from ops.restore.tables import Pair, differences, make_equal

OF = {"tables": {"history": "this one"}}


class Time:
    """A clock that stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("units", "times"), [(1, 1000), (100, 100), (5000, 3), (0.5, 4000)])
def test_no_more_is_spent_than_the_pace_allows(units: float, times: int) -> None:
    clock = Time()
    pace = Pace(100, clock, clock.sleep)
    for _ in range(times):
        pace.spend(units)
    assert pace.spent == units * times
    assert clock.now - 1000 == pytest.approx(units * times / 100 - 1)


def test_what_is_left_unused_is_kept_for_a_second_and_no_longer() -> None:
    clock = Time()
    pace = Pace(100, clock, clock.sleep)
    clock.now += 3600
    pace.spend(100)
    assert clock.now == 4600
    pace.spend(50)
    assert clock.now == pytest.approx(4600.5)


def test_a_pace_that_is_never_reached_holds_nobody_up() -> None:
    clock, slept = Time(), list[float]()
    pace = Pace(100, clock, slept.append)
    for _ in range(100):
        clock.now += 1
        pace.spend(99)
    assert slept == []


def opened(path: Path, of: dict[str, Any] | None = None, clock: Time | None = None) -> Progress:
    return Progress.opened(path / "kept" / "progress.json", of or OF, clock or Time())


def test_what_was_reached_is_known_to_the_next_run(tmp_path: Path) -> None:
    progress = opened(tmp_path)
    assert not progress.begun
    progress.reach("put", 0, {"pk": {"S": "a"}}, done=False, written=3)
    progress.reach("put", 1, None, done=True, written=4)
    progress.reach("put", 2, None, done=False, written=0)
    progress.keep()
    again = opened(tmp_path)
    assert again.begun
    assert [again.place("put", n) for n in range(3)] == [(False, {"pk": {"S": "a"}}), (True, None), (False, None)]
    assert again.place("delete", 0) == (False, None)
    assert again.count("put", "written") == 7
    again.forget()
    assert not opened(tmp_path).begun


def test_it_is_written_once_a_second_and_at_the_end_of_a_segment(tmp_path: Path) -> None:
    clock = Time()
    progress = opened(tmp_path, clock=clock)
    file = tmp_path / "kept" / "progress.json"
    progress.reach("put", 0, {"pk": {"S": "a"}}, done=False)
    assert not file.exists()
    clock.now += 1
    progress.reach("put", 0, {"pk": {"S": "b"}}, done=False)
    assert "put 0" in json.loads(file.read_text("utf-8"))["places"]
    progress.reach("put", 1, None, done=True)
    assert "put 1" in json.loads(file.read_text("utf-8"))["places"]


def test_the_file_is_whole_whenever_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = opened(tmp_path)
    progress.reach("put", 0, None, done=True)
    file = tmp_path / "kept" / "progress.json"
    before = file.read_bytes()

    def power_cut(_: Path, text: str, *__: object) -> int:
        with (tmp_path / "kept" / "progress.json.new").open("w") as out:
            out.write(text[:9])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", power_cut)
    with pytest.raises(CommandError, match=r"cannot be kept in .*: No space left"):
        progress.reach("put", 1, None, done=True)
    assert file.read_bytes() == before
    monkeypatch.undo()
    assert opened(tmp_path).place("put", 0) == (True, None)


@pytest.mark.parametrize("holds", ["", "{", "[]", "null", "3", "{}", '"restore"', "\x00"])
def test_a_file_that_holds_no_progress_is_refused_and_left(tmp_path: Path, holds: str) -> None:
    file = tmp_path / "kept" / "progress.json"
    file.parent.mkdir()
    file.write_text(holds, "utf-8")
    with pytest.raises(CommandError, match="no progress of a restore"):
        opened(tmp_path)
    assert file.read_text("utf-8") == holds


def test_progress_of_other_tables_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).keep()
    with pytest.raises(CommandError, match="another restore"):
        opened(tmp_path, {"tables": {"history": "made anew under the same name"}})
    assert not opened(tmp_path).begun


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file", "utf-8")
    with pytest.raises(CommandError, match="cannot be kept"):
        opened(tmp_path)


class Endless:
    """A DynamoDB whose tables hold so many items, made as they are asked for: it takes no memory for them.

    Of the live table every third item differs, and every fifth is not there; it has as many again besides.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def scan(self, **request: Any) -> Any:
        segments, after = request["TotalSegments"], request.get("ExclusiveStartKey")
        stop = self.size * (2 if request["TableName"] == "live" else 1)
        first = int(after["pk"]["S"]) + segments if after else request["Segment"]
        page = list(range(first, stop, segments)[: request.get("Limit", 1000)])
        answer: dict[str, Any] = {"Count": len(page)}
        if request.get("Select") != "COUNT":
            keys = "ProjectionExpression" in request
            answer["Items"] = [self._item(request["TableName"], number, keys=keys) for number in page]
        if page and page[-1] + segments < stop:
            answer["LastEvaluatedKey"] = {"pk": {"S": str(page[-1])}}
        return answer

    def batch_get_item(self, RequestItems: Any, **_: Any) -> Any:  # noqa: N803
        (table,) = RequestItems
        numbers = [int(key["pk"]["S"]) for key in RequestItems[table]["Keys"]]
        there = [n for n in numbers if n < self.size and not (table == "live" and n % 5 == 0)]
        return {"Responses": {table: [self._item(table, n, keys=False) for n in there]}}

    def batch_write_item(self, **_: Any) -> Any:
        return {}

    def _item(self, table: str, number: int, *, keys: bool) -> Any:
        key = {"pk": {"S": str(number)}}
        return key if keys else {**key, "of": {"S": str(number)}, "not": {"BOOL": table == "live" and number % 3 == 0}}


def peak_bytes(size: int, folder: Path) -> int:
    fast = Pace(10**9)
    store, pair = Store(Endless(size), fast, fast), Pair("t", "live", "restored", ("pk",))
    progress = Progress.opened(folder / f"{size}.json", {})
    tracemalloc.start()
    try:
        make_equal(store, pair, progress, lambda *_: None)
        assert progress.count(pair.walk("put"), "read") == size
        assert progress.count(pair.walk("delete"), "read") == 2 * size
        assert progress.count(pair.walk("delete"), "written") == size
        assert differences(store, pair, lambda *_: None) > size
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.restore.tables.SEGMENTS", 1)  # how many threads meet in the midst of a page is chance
    small, large = peak_bytes(1_000, tmp_path), peak_bytes(10_000, tmp_path)
    assert large < 1.2 * small


def test_progress_is_told_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Time()
    telling = Telling(clock)
    for _ in range(25):
        clock.now += 1
        telling.tell("history put", Counter(read=100, written=1))
    assert capsys.readouterr().err == (
        "history put: 1000 items read, 10 written\nhistory put: 2000 items read, 20 written\n"
    )
    clock.now += 10
    telling.tell("history delete", Counter(read=7))
    assert capsys.readouterr().err == "history delete: 7 items read, 0 written\n"
