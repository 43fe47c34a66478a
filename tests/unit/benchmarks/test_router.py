"""What the benchmark of the router's side counts and writes down, on known inputs; no store and no peer is needed."""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.page import blocks
from benchmarks.router import cases, table
from benchmarks.router.__main__ import PAGE
from benchmarks.router.cases import Figures, Writes
from benchmarks.router.drivers import loops
from benchmarks.router.roster import BARE, LEASE, WAYS, Places, environment


def found(**changed: Any) -> dict[str, Figures]:
    known = {}
    for way in WAYS:
        known[way.name] = figures = Figures()
        figures.check_us, figures.report_us, figures.check_ms = [100.0, 200.0], [50.0, 50.0], [1.0, 3.0]
        figures.one, figures.many, figures.processes = [500.0], 700.0, way.processes
        figures.beyond, figures.unused, figures.stranded = 0, 60, "100 tokens until the hold ends"
    lease = known[LEASE]
    lease.check_us, lease.check_ms = [4.0, 8.0], [0.01, 0.01]
    lease.writes = [Writes(1000.0, 1.5, 3.0), Writes(0.0, 0.0, 0.0)]
    lease.end = {"processes": 8, "calls": 2000, "seconds": 2.0, "writes": 120, "busiest": 90}
    for name, value in changed.items():
        setattr(lease, name, value)
    return known


def rows_of(text: str, name: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith(f"| {name} ")
    ]


def verdicts(known: dict[str, Figures]) -> dict[str, str]:
    return {what: verdict for what, _, _, verdict in table.targets(known).rows}


def test_a_cap_is_passed_or_left_and_never_both() -> None:
    assert cases.beyond_and_unused(1060, 1000) == (60, 0)
    assert cases.beyond_and_unused(960, 1000) == (0, 40)
    assert cases.beyond_and_unused(1000, 1000) == (0, 0)


def test_writes_are_told_for_a_thousand_calls() -> None:
    assert Writes(500.0, 1.5, 3.0).per_thousand(1.5) == 3.0
    assert Writes(0.0, 0.0, 0.0).per_thousand(1.0) == 0.0


def test_the_busiest_second_is_any_second_and_not_one_of_the_clock() -> None:
    samples = [(0.0, 0.0), (0.9, 1.0), (1.1, 30.0), (1.8, 60.0), (3.0, 61.0)]
    assert cases.busiest_second(samples) == 59.0
    assert cases.busiest_second([]) == 0.0


def test_a_ratio_is_the_median_of_rounds_side_by_side() -> None:
    assert cases.ratio([20.0, 60.0, 30.0], [100.0, 200.0, 100.0]) == 0.3


def test_the_table_tells_of_each_way_what_was_found() -> None:
    text = table.blocks(found())["router"]
    assert rows_of(text, LEASE) == [
        [LEASE, "6", "0.04", "56", "0.01", "500", "700", "1.5", "0", "60", "100 tokens until the hold ends"]
    ]
    assert [len(rows_of(text, way.name)) for way in WAYS] == [1] * len(WAYS)


def test_a_row_that_was_not_measured_says_why() -> None:
    known = found()
    known[BARE].reason = ""
    known[WAYS[-1].name].reason = "no such wheel"
    assert rows_of(table.blocks(known)["router"], WAYS[-1].name)[0][1] == "not measured: no such wheel"


def test_processes_that_are_fewer_than_the_head_says_are_told() -> None:
    few = [way for way in WAYS if way.processes != 8]
    assert few
    for way in few:
        assert rows_of(table.blocks(found())["router"], way.name)[0][6] == "700 (2 processes)"


def test_writes_stand_by_rate_and_so_does_what_the_end_costs() -> None:
    text = table.blocks(found())["router-writes"]
    assert rows_of(text, LEASE)[0] == [LEASE, "1,000", "1.5", "1.50", "3.00"]
    assert "2,000 calls and 2.0 s with 120 writes in all, at most 90 of them in one second" in text


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"check_us": [10.1, 10.1]}, "µs of CPU"),
        ({"check_us": [90.0, 90.0]}, "`limits` on Redis"),
        ({"check_ms": [0.021, 0.021]}, "decisions a second"),
        ({"beyond": 1}, "no overshoot"),
        ({"writes": [Writes(10.0, 1.0, 1.0), Writes(1000.0, 3.1, 3.1)]}, "writes a second"),
    ],
)
def test_a_target_that_is_missed_is_told(changed: dict[str, Any], word: str) -> None:
    met = verdicts(found())
    missed = verdicts(found(**changed))
    assert [verdict for what, verdict in met.items() if word in what] == ["met"]
    assert [verdict for what, verdict in missed.items() if word in what] == ["**not met**"]


def test_the_page_has_every_block() -> None:
    assert set(table.blocks(found())) <= set(blocks(PAGE.read_text("utf-8")))


def test_a_way_of_the_client_is_told_all_places_and_no_other_way_a_key() -> None:
    places = Places({"DEPLOYMENT_KEY": "a-key", "ENTITLEMENTS_TABLE": "e"}, "http://store", "redis:1", "host:2")
    for way in WAYS:
        given = environment(way, places, 60)
        if way.ours:
            assert given["MODELPASS_DEPLOYMENT_KEY"] == "a-key"
            assert given["MODELPASS_ENDPOINT"] == "http://host:2"
        elif way.row.environment:
            assert "a-key" not in given.values()


class Counting:
    """A peer with a cap, whose grants tell whether they were decided elsewhere."""

    reports = True

    def __init__(self, cap: int) -> None:
        self.left, self.reported, self.flushed = cap, 0, 0

    def check(self, _: Any, tokens: int, number: str) -> Any:
        assert number
        if self.left < tokens:
            return None
        self.left -= tokens
        return SimpleNamespace(authorization_id="away" if self.left < 50 else None)

    def report(self, _: Any, grant: Any, used: int) -> None:
        assert grant is not None
        self.reported += used

    def flush(self) -> None:
        self.flushed += 1


class Awaited(Counting):
    """The same, to be awaited."""

    async def check(self, key: Any, tokens: int, number: str) -> Any:
        await asyncio.sleep(0)
        return super().check(key, tokens, number or "any")

    async def report(self, key: Any, grant: Any, used: int) -> None:  # type: ignore[override]
        super().report(key, grant, used)


def test_phases_check_first_and_then_report_and_flush() -> None:
    peer = Counting(100)
    took = asyncio.run(loops.phases(peer, "key", times=10, tokens=10, used=6))
    assert (peer.reported, peer.flushed, took["away"]) == (60, 1, 5)
    assert min(took["check_clock"], took["report_clock"]) >= 0


def test_phases_fail_where_a_check_is_refused() -> None:
    with pytest.raises(RuntimeError, match="refused"):
        asyncio.run(loops.phases(Counting(15), "key", times=2, tokens=10, used=6))


@pytest.mark.parametrize("kind", [Counting, Awaited])
def test_pace_makes_as_many_pairs_as_the_rate_says(kind: type[Counting]) -> None:
    peer = kind(10**6)
    made = asyncio.run(loops.pace(peer, "key", seconds=0.02, rate=1000, tokens=10, used=6))
    assert (made["granted"], made["refused"], peer.reported) == (20, 0, 120)


@pytest.mark.parametrize("kind", [Counting, Awaited])
def test_drain_uses_everything_and_ends_when_all_is_refused(kind: type[Counting]) -> None:
    peer = kind(1000)
    made = asyncio.run(loops.drain(peer, "key", patience=0.0, pause=0.0, tokens=10, used=6))
    assert (made["granted"], peer.reported) == (100, 600)
    assert made["refused"] >= 1


def test_drain_goes_on_while_something_is_granted_now_and_then() -> None:
    class Sparing(Counting):
        def check(self, key: Any, tokens: int, number: str) -> Any:
            turns.append(number)
            return super().check(key, tokens, number) if len(turns) % 2 else None

    turns: list[str] = []
    ticks = itertools.count()
    peer = Sparing(400)
    made = asyncio.run(
        loops.drain(peer, "key", patience=5.0, pause=0.0, tokens=10, used=6, clock=lambda: float(next(ticks)))
    )
    assert made["granted"] == 40


@pytest.mark.parametrize("kind", [Counting, Awaited])
def test_flood_counts_the_pairs_of_all_workers(kind: type[Counting]) -> None:
    peer = kind(10**12)
    made = asyncio.run(loops.flood(peer, "key", seconds=0.02, workers=3, tokens=10, used=6))
    assert made["granted"] > 0
    assert peer.reported == 6 * made["granted"]
