"""What was measured, as Markdown, and the targets beside it. Rule: it only writes down; what is missing says why."""

from __future__ import annotations

import os
import platform
import statistics
from typing import TYPE_CHECKING, Final

from benchmarks import page
from benchmarks.router import cases
from benchmarks.router.roster import (
    BARE,
    BOTO3_ALONE,
    DIRECT,
    DIRECT_ALONE,
    INVOKE_ALONE,
    LEASE,
    LIMITS_REDIS,
    WAYS,
    Way,
)
from benchmarks.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.router.cases import Figures

NONE: Final = "-"
_WHOLE_FROM: Final = 100
BLOCKS: Final = ("router-targets", "router", "router-writes")
"""Where they stand in the page."""
LEAN_SHARE, DIRECT_SHARE, LEASED_US, LEASED_RATE, REDIS_SHARE, MOST_WRITES = 0.3, 0.4, 10.0, 50_000, 0.2, 3.0
HEAD: Final = (
    "one decision",
    "CPU, µs",
    "by a bare `update_item`",
    "CPU with its report, µs",
    "latency, ms",
    "a second, one process",
    "a second, 8 processes",
    "writes for 1,000 calls",
    f"beyond {cases.CAP:,} tokens, 8 processes",
    "unused of them",
    "stranded by a kill",
)
WRITES_HEAD: Final = ("calls", "a second", "writes a second", "writes for 1,000 calls", "write units for 1,000 calls")


def blocks(found: Mapping[str, Figures], ways: Sequence[Way] = WAYS) -> dict[str, str]:
    """The blocks of the page, by name."""
    costs = _intro(found) + page.table(HEAD, (_cells(way, found) for way in ways))
    return dict(zip(BLOCKS, (targets(found).table(), costs, _writes(found, ways)), strict=True))


def targets(found: Mapping[str, Figures]) -> Targets:
    """Each target beside what was found."""
    made = Targets()
    lean, boto3, bare = (found[name] for name in (INVOKE_ALONE, BOTO3_ALONE, BARE))
    alone, direct, lease = (found[name] for name in (DIRECT_ALONE, DIRECT, LEASE))
    made.at_most(
        "Invoke, lean: CPU of boto3's `invoke`, the way alone",
        cases.ratio(lean.check_us, boto3.check_us),
        LEAN_SHARE,
    )
    made.at_most(
        "direct: CPU of a bare boto3 `update_item`, the way alone",
        cases.ratio(alone.check_us, bare.check_us),
        DIRECT_SHARE,
    )
    made.at_most("the same, with all of the client", cases.ratio(direct.check_us, bare.check_us), DIRECT_SHARE)
    made.at_most("a leased decision: µs of CPU", statistics.median(lease.check_us), LEASED_US)
    made.at_most(
        "a leased decision: CPU of one of `limits` on Redis",
        cases.ratio(lease.check_us, found[LIMITS_REDIS].check_us),
        REDIS_SHARE,
    )
    rate = decisions_a_second(lease)
    made.true(
        f"at least {LEASED_RATE:,} leased decisions a second in one process: {rate:,.0f}", met=rate >= LEASED_RATE
    )
    made.true(
        f"no overshoot on leases: {lease.beyond} tokens beyond the cap, {lease.processes} processes",
        met=lease.beyond == 0,
    )
    made.at_most(
        "a lease away from the end: writes a second of one process, at the most",
        max(each.writes for each in lease.writes),
        MOST_WRITES,
    )
    return made


MANY_DECISIONS_A_SECOND: Final = (
    f"leased decisions a second in one process, one key: at least {LEASED_RATE:,} ({{rate:,.0f}})"
)


def decisions_a_second(figures: Figures) -> float:
    """How many decisions one thread makes in a second, without their reports."""
    return 1000 / statistics.median(figures.check_ms)


def _intro(found: Mapping[str, Figures]) -> str:
    rounds = len(found[BARE].check_us)
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} cores; medians of {rounds} rounds, in which all rows"
        f" have their turn. Of the lease's decisions among them {found[LEASE].away:,} were the service's.\n\n"
    )


def _cells(way: Way, found: Mapping[str, Figures]) -> list[str]:
    figures = found[way.name]
    if figures.reason:
        return [way.name, f"not measured: {figures.reason}", *[NONE] * (len(HEAD) - 2)]
    both = figures.both_us()
    return [
        way.name,
        _us(figures.check_us),
        f"{cases.ratio(figures.check_us, found[BARE].check_us):.3g}",
        _us(both) if figures.reports else NONE,
        f"{statistics.median(figures.check_ms):.3g}",
        f"{statistics.median(figures.one):,.0f}" if figures.one else NONE,
        _many(figures),
        f"{figures.writes[0].per_thousand(figures.writes[0].writes):,.3g}" if way.leased else _whole_writes(figures),
        NONE if figures.beyond is None else f"{figures.beyond:,}",
        NONE if figures.unused is None else f"{figures.unused:,}",
        figures.stranded or NONE,
    ]


def _us(figures: Sequence[float]) -> str:
    median = statistics.median(figures)
    return f"{median:,.0f}" if median >= _WHOLE_FROM else f"{median:.3g}"


def _whole_writes(figures: Figures) -> str:
    return f"{figures.writes[0].per_thousand(figures.writes[0].writes):,.0f}" if figures.writes else NONE


def _many(figures: Figures) -> str:
    if figures.many is None:
        return NONE
    few = "" if figures.processes == 8 else f" ({figures.processes} processes)"
    return f"{figures.many:,.0f}{few}"


def _writes(found: Mapping[str, Figures], ways: Sequence[Way]) -> str:
    rows: list[list[page.Cell]] = []
    for way in ways:
        rows += [
            [
                way.name,
                f"{each.rate:,.0f}",
                f"{each.writes:.1f}",
                f"{each.per_thousand(each.writes):,.2f}",
                f"{each.per_thousand(each.units):,.2f}",
            ]
            for each in found[way.name].writes
        ]
    return page.table(WRITES_HEAD, rows) + _end(found[LEASE])


def _end(lease: Figures) -> str:
    if lease.end is None:
        return ""
    end = lease.end
    return (
        f"\nThe end of a limit: {end['processes']} processes on leases used up a cap in {end['calls']:,} calls and"
        f" {end['seconds']:.1f} s with {end['writes']:,.0f} writes in all, at most {end['busiest']:,.0f} of them in one"
        f" second.\n"
    )
