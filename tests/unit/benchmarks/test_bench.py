"""The page of the benchmarks is what the benchmarks write, and their arithmetic is that of the page."""

from __future__ import annotations

import pytest

from benchmarks import page
from benchmarks.bench import PAGE, SECTIONS
from benchmarks.blocks import HotKey, blocks_per_second, calls_per_second
from benchmarks.router import table as router
from benchmarks.targets import Targets

TEXT = "before\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nbetween\n<!-- bench:b -->\n<!-- /bench:b -->\nafter\n"
BUSY = HotKey(calls_per_second=200, routers=4, call_seconds=30, estimate=4000)


def test_page_has_a_place_for_every_block_and_no_other() -> None:
    written = [*(block for section in SECTIONS.values() for block in section.blocks), *router.BLOCKS]
    assert sorted(page.blocks(PAGE.read_text("utf-8"))) == sorted(written)


def test_only_blocks_that_are_given_are_written() -> None:
    filled = page.filled(TEXT, {"a": "new\n"})
    assert filled == TEXT.replace("old\n", "new\n")
    assert page.blocks(filled) == {"a": "new\n", "b": ""}
    assert page.filled(filled, {"a": "old\n"}) == TEXT


@pytest.mark.parametrize(
    "text",
    [TEXT + TEXT, TEXT.replace("<!-- /bench:b -->\n", ""), TEXT.replace("<!-- bench:b -->\n", "")],
    ids=["twice", "not closed", "not opened"],
)
def test_page_whose_blocks_are_not_whole_is_refused(text: str) -> None:
    with pytest.raises(page.PageError):
        page.filled(text, {})


def test_block_without_a_place_is_refused() -> None:
    with pytest.raises(page.PageError, match="no block c"):
        page.filled(TEXT, {"c": ""})


def test_table_sets_figures_to_the_right() -> None:
    drawn = page.table(["case", "CPU", "requests"], [["a grant", 0.2345, 1], ["a reset", 250.0, 1_256]])
    assert drawn.splitlines() == [
        "| case | CPU | requests |",
        "| --- | ---: | ---: |",
        "| a grant | 0.23 | 1 |",
        "| a reset | 250.00 | 1,256 |",
    ]


def test_row_that_is_not_as_wide_as_the_head_is_refused() -> None:
    with pytest.raises(ValueError, match="wide"):
        page.table(["case", "CPU"], [["a grant"]])


def test_target_that_is_missed_is_told_as_missed() -> None:
    targets = Targets()
    targets.at_most("this", 0.2749, 0.27)
    targets.at_most("that", 0.28, 0.27)
    targets.true("a fact", met=False)
    assert [row[-1] for row in targets.rows] == ["met", "**not met**", "**not met**"]


def test_example_of_a_hot_key_is_that_of_the_page() -> None:
    block = BUSY.least_block(max_open_holds=100, item_units=6)
    assert block == 63
    assert (BUSY.open_holds(1), round(BUSY.open_holds(block))) == (6000, 99)
    assert (BUSY.hold_seconds(block), BUSY.stranded_units(block)) == (32, 6_300_000)
    assert (round(calls_per_second(block, 6)), round(blocks_per_second(6))) == (5250, 83)


def test_least_block_keeps_holds_under_their_bound_and_a_smaller_one_does_not() -> None:
    for bound in (5, 8, 22, 100, 1000):
        block = BUSY.least_block(bound, item_units=1)
        assert BUSY.open_holds(block) <= bound < BUSY.open_holds(block - 1)


def test_least_block_keeps_the_item_under_half_of_what_it_takes() -> None:
    quick = HotKey(calls_per_second=3_000, routers=1, call_seconds=1, estimate=1)
    block = quick.least_block(max_open_holds=1000, item_units=10)
    assert block == 120
    assert quick.calls_per_second / block == blocks_per_second(10) / 2


def test_bound_that_the_routers_fill_by_themselves_is_refused() -> None:
    with pytest.raises(ValueError, match="routers"):
        BUSY.least_block(max_open_holds=4, item_units=1)
