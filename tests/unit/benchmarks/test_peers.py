"""What the benchmark of peers counts and writes down, on known inputs; no peer is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.page import blocks, write_into
from benchmarks.peers import cases
from benchmarks.peers.__main__ import PAGE
from benchmarks.peers.cases import Figures
from benchmarks.peers.drivers.protocol import _race_of_threads
from benchmarks.peers.environments import ENVIRONMENTS, NODE_FILES
from benchmarks.peers.redis import counted
from benchmarks.peers.roster import ROWS, YARDSTICK, Row, missing
from benchmarks.peers.table import BLOCK, tables
from modelpass.dynamodb.transport import consumed

OURS, OTHER = "ours", "other"
BEGIN, END = f"<!-- bench:{BLOCK} -->", f"<!-- /bench:{BLOCK} -->"
SOME_ROWS = (
    Row(YARDSTICK, (), decides=False),
    Row(OURS, (), floor=YARDSTICK),
    Row(OTHER, (), floor=YARDSTICK),
)


def found() -> dict[str, Figures]:
    race = {"granted": 1000, "refused": 200, "failed": 0, "failure": "", "workers": "threads", "beyond": 0}
    ours = Figures(check_us=[20.0, 60.0, 30.0], report_us=[10.0, 20.0, 30.0])
    ours.check_calls, ours.report_calls = "1", "1"
    ours.check_units, ours.report_units = "1 W", "1 W"
    ours.calls_race, ours.tokens_race = race, {**race, "used": 29_940, "beyond": 60}
    ours.crash = {"stuck": 100, "forgotten": 0, "back": 3.02}
    yardstick = Figures(check_us=[100.0, 200.0, 100.0], report_us=[100.0, 200.0, 100.0])
    return {YARDSTICK: yardstick, OURS: ours, OTHER: Figures(reason="no such package")}


def test_ratio_is_the_median_of_rounds_side_by_side_and_not_the_ratio_of_medians() -> None:
    assert cases.ratio([20.0, 60.0, 30.0], [100.0, 200.0, 100.0]) == 0.3
    assert cases.ratio([1.0, 9.0, 2.0], [10.0, 3.0, 1.0]) == 2.0
    with pytest.raises(ValueError, match="argument 2"):
        cases.ratio([1.0], [1.0, 2.0])


def test_table_tells_costs_and_exactness_of_each_row() -> None:
    text = tables(found(), SOME_ROWS)
    assert "| ours | 30 | 0.30 | 0.40 | 0.30 | 1 + 1 | 1 W + 1 W |" in text
    assert "| ours | 0 (threads) | 60 (threads) | 29,940 | 100 tokens stuck, back after 3.0 s |" in text
    assert f"| {YARDSTICK} | 100 | 1.00 | 2.00 |" in text


def test_row_that_was_not_measured_says_why_in_both_tables() -> None:
    assert tables(found(), SOME_ROWS).count("| other | not measured: no such package |") == 2


def test_case_that_failed_says_why_in_its_place_and_the_others_stand() -> None:
    known = found()
    known[OURS].crash = None
    known[OURS].reasons["kill"] = "no answer"
    assert "| ours | 0 (threads) | 60 (threads) | 29,940 | not measured: no answer |" in tables(known, SOME_ROWS)


def test_attempts_that_failed_stand_beside_what_was_granted() -> None:
    known = found()
    known[OURS].calls_race = {"beyond": 0, "failed": 2, "failure": "OSError: gone", "workers": "tasks"}
    assert "| ours | 0 (tasks); 2 failed (OSError: gone) |" in tables(known, SOME_ROWS)


def test_peer_whose_environment_failed_is_missing_and_no_other() -> None:
    without = [row.name for row in ROWS if missing(row, {"redis": "no such wheel"})]
    assert without == [row.name for row in ROWS if row.store == "Redis"]
    assert missing(ROWS[0], {"zae": "x", "litellm": "x", "limits": "x", "redis": "x", "node": "x"}) == ""


def test_files_that_make_an_environment_and_start_a_driver_are_there() -> None:
    assert [name for name, made in ENVIRONMENTS.items() if not made.pins.is_file()] == []
    assert {"package.json", "package-lock.json", ".npmrc"} <= {file.name for file in NODE_FILES.iterdir()}
    scripts = [part for row in ROWS for part in row.command if isinstance(part, Path) and part.suffix == ".cjs"]
    assert scripts
    assert [script for script in scripts if not script.is_file()] == []


def test_floors_of_all_rows_are_rows_that_decide_nothing() -> None:
    deciding = {row.name: row.decides for row in ROWS}
    assert not any(deciding[row.floor] for row in ROWS if row.floor)


@pytest.mark.parametrize(
    ("granted", "each", "cap", "beyond"), [(1000, 1, 1000, 0), (1017, 1, 1000, 17), (501, 60, 30_000, 60)]
)
def test_what_is_granted_beyond_a_cap_is_counted_and_less_is_none(
    granted: int, each: int, cap: int, beyond: int
) -> None:
    assert cases.beyond(granted, each, cap) == beyond


def test_races_of_instances_are_added_up_with_the_first_failure() -> None:
    one = {"granted": 3, "refused": 1, "failed": 0, "failure": "", "workers": "tasks"}
    other = {"granted": 4, "refused": 0, "failed": 2, "failure": "OSError: gone", "workers": "tasks"}
    expected = {"granted": 7, "refused": 1, "failed": 2, "failure": "OSError: gone", "workers": "tasks"}
    assert cases.added([one, other]) == expected


class Leaky:
    """A peer that grants more than it should, and fails once."""

    reports = True

    def __init__(self) -> None:
        self.reported: list[Any] = []

    def prepare(self, name: str, _: int, __: int, ___: int) -> Any:
        return name

    def check(self, _: Any, __: int, number: str) -> Any:
        count = int(number.rpartition("-")[2])
        if count == 5:
            raise OSError("gone")
        return count if count < 13 else None

    def report(self, _: Any, grant: Any, __: int) -> Any:
        self.reported.append(grant)

    def left(self, _: Any) -> Any:
        return 0


def test_race_counts_each_attempt_once_and_reports_each_grant() -> None:
    peer = Leaky()
    told = _race_of_threads(peer, "key", attempts=20, workers=4, tokens=1, used=1)
    assert told == {"granted": 12, "refused": 7, "failed": 1, "failure": "OSError: gone", "workers": "threads"}
    assert sorted(peer.reported) == [*range(5), *range(6, 13)]


def test_commands_of_clients_and_of_scripts_are_told_apart() -> None:
    lines = [
        b'1700000000.1 [0 127.0.0.1:5000] "EVALSHA" "abc" "1" "key"\r\n',
        b'1700000000.2 [0 lua] "INCRBY" "key" "1"\r\n',
        b'1700000000.2 [0 lua] "EXPIRE" "key" "60"\r\n',
        b'1700000000.3 [0 127.0.0.1:5001] "ECHO" "the end of what is watched"\r\n',
        b'1700000000.4 [0 127.0.0.1:5000] "GET" "later"\r\n',
    ]
    assert counted(iter(lines)) == (1, 2)


def test_units_of_an_answer_are_those_of_all_its_tables() -> None:
    assert consumed("GetItem", {"ConsumedCapacity": {"CapacityUnits": 1.5}}) == (1.5, 0.0)
    two_tables = {"ConsumedCapacity": [{"CapacityUnits": 2.0}, {"CapacityUnits": 1.0}]}
    assert consumed("TransactWriteItems", two_tables) == (0.0, 3.0)
    assert consumed("UpdateItem", {}) == (0.0, 0.0)


def test_page_of_peers_has_the_place_of_what_is_measured() -> None:
    assert list(blocks(PAGE.read_text("utf-8"))) == [BLOCK]


def test_page_keeps_what_stands_around_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "peers.md"
    page.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n", "utf-8")
    write_into(page, {BLOCK: "new"})
    assert page.read_text("utf-8") == f"Before.\n{BEGIN}\n\nnew\n{END}\nAfter.\n"
    page.write_text("No place.\n", "utf-8")
    with pytest.raises(ValueError, match=r"peers\.md"):
        write_into(page, {BLOCK: "new"})


def test_short_table_of_the_page_has_the_figures_that_were_measured() -> None:
    page = PAGE.read_text("utf-8")
    short = rows_of(page.partition("## In short\n")[2].partition("\n## ")[0])
    costs, exactness = map(rows_of, blocks(page)[BLOCK].strip().split("\n\n"))
    assert len(short) > 5
    for name, (ratio, _, beyond, *_) in short.items():
        assert ratio == costs[name][1], name
        assert beyond.split()[0] == exactness[name][1].split()[0], name


def rows_of(table: str) -> dict[str, list[str]]:
    """The cells of a Markdown table by the first of their row."""
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    return {name.strip(): [cell.strip() for cell in cells] for name, *cells in lines[2:]}
