"""What was measured, as Markdown. Rule: it only writes down; a row that was not measured says why."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers.cases import CALLS_CAP, TOKENS_CAP, ratio, together
from benchmarks.peers.roster import ROWS, YARDSTICK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.peers.cases import Figures
    from benchmarks.peers.roster import Row

BLOCK: Final = "peers"
"""Where they stand in the page."""
NONE: Final = "-"
COSTS: Final = (
    "",
    "CPU µs of a check",
    "ratio",
    "ratio with its report",
    "to its floor",
    "store calls: check + report",
    "units: check + report",
)
EXACTNESS: Final = (
    "",
    f"beyond a cap of {CALLS_CAP:,} calls, 16 workers",
    f"beyond {TOKENS_CAP:,} tokens, two instances",
    "tokens used of them",
    "killed between check and report",
)


def tables(found: Mapping[str, Figures], rows: Sequence[Row] = ROWS) -> str:
    """Both tables."""
    deciding = [row for row in rows if row.decides]
    costs = _table(COSTS, (_cost(row, found) for row in rows))
    return f"{costs}\n\n{_table(EXACTNESS, (_exactness(row, found[row.name]) for row in deciding))}\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def _cost(row: Row, found: Mapping[str, Figures]) -> tuple[str, ...]:
    figures, yardstick = found[row.name], found[YARDSTICK]
    if figures.reason:
        return _not_measured(row, figures, COSTS)
    floor = found.get(row.floor)
    of_yardstick = yardstick.check_us
    return (
        row.name,
        f"{statistics.median(figures.check_us):.0f}",
        _ratio(figures.check_us, of_yardstick),
        _ratio(together(figures), of_yardstick) if figures.reports else NONE,
        _ratio(figures.check_us, floor.check_us) if floor else NONE,
        _and(figures.check_calls, figures.report_calls, both=figures.reports) + _uncounted(figures),
        _and(figures.check_units, figures.report_units, both=figures.reports),
    )


def _ratio(one: Sequence[float], other: Sequence[float]) -> str:
    return f"{ratio(one, other):.2f}" if one and len(one) == len(other) else NONE


def _and(check: str, report: str, *, both: bool) -> str:
    if not check:
        return NONE
    return f"{check} + {report}" if both else check


def _exactness(row: Row, figures: Figures) -> tuple[str, ...]:
    if figures.reason:
        return _not_measured(row, figures, EXACTNESS)
    calls, tokens = figures.calls_race, figures.tokens_race
    return (
        row.name,
        _failed(figures, "calls_race") if calls is None else _beyond(calls),
        _failed(figures, "tokens_race") if tokens is None else _beyond(tokens),
        NONE if tokens is None else f"{tokens['used']:,}",
        _failed(figures, "kill") if figures.crash is None else _crash(figures.crash),
    )


def _uncounted(figures: Figures) -> str:
    return "".join(f"; not counted: {why}" for case, why in figures.reasons.items() if case.startswith("count_"))


def _failed(figures: Figures, case: str) -> str:
    return f"not measured: {figures.reasons[case]}" if case in figures.reasons else NONE


def _not_measured(row: Row, figures: Figures, head: Sequence[str]) -> tuple[str, ...]:
    return (row.name, f"not measured: {figures.reason}", *[NONE] * (len(head) - 2))


def _beyond(race: Mapping[str, Any]) -> str:
    failed = f"; {race['failed']} failed ({race['failure']})" if race["failed"] else ""
    return f"{race['beyond']:,} ({race['workers']}){failed}"


def _crash(crash: Mapping[str, Any]) -> str:
    if crash["forgotten"]:
        return f"nothing held; {crash['forgotten']} used tokens forgotten"
    if crash["back"] is None:
        return f"{crash['stuck']} tokens stuck for as long as was waited"
    return f"{crash['stuck']} tokens stuck, back after {crash['back']:.1f} s"
