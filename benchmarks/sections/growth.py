"""What each function costs as things grow. Rule: where the design says flat, requests and units are equal.

This is asserted; CPU is reported, as a multiple of the yardstick in the same round. Open holds, models and days are
measured by turns; numbers of subscriptions one after the other, because all lie in the same tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks import page, rounds
from benchmarks.callers import GRANT, SETTLED
from benchmarks.rounds import Ratios
from benchmarks.sections import growing
from benchmarks.sections.growing import DAYS, DUE, HISTORY, HOLDS, MODELS, PURCHASE, RENEW, RESET, SOLD, USAGE
from benchmarks.yardstick import Yardstick

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.asked import Each
    from benchmarks.sections.growing import Case, Probes
    from benchmarks.setting import Setting

Json = dict[str, Any]

ROUNDS: Final = 7
FLAT: Final = "flat"
_BY_ITEM, _BY_MODELS = "with the item's size", "with the models"
EXPECTED: Final = {
    (GRANT, HOLDS): _BY_ITEM,
    (SETTLED, HOLDS): _BY_ITEM,
    (GRANT, MODELS): FLAT,
    (SETTLED, MODELS): FLAT,
    (GRANT, DAYS): FLAT,
    (SETTLED, DAYS): FLAT,
    (GRANT, SOLD): FLAT,
    (SETTLED, SOLD): FLAT,
    (PURCHASE, MODELS): _BY_MODELS,
    (PURCHASE, SOLD): FLAT,
    (RENEW, MODELS): _BY_MODELS,
    (USAGE, MODELS): _BY_MODELS,
    (USAGE, DAYS): FLAT,
    (USAGE, SOLD): FLAT,
    (HISTORY, DAYS): "with the days asked for",
    (RESET, DUE): "with what is due",
    (RESET, SOLD): FLAT,
}


class At(NamedTuple):
    """A command at a size of what grows."""

    command: str
    grows: str
    size: int


@dataclass(slots=True)
class Found:
    """What was found at each size."""

    ratios: Ratios = field(default_factory=Ratios)
    counts: dict[At, Each] = field(default_factory=dict)

    def row(self, command: str, grows: str, expected: str) -> list[str | float]:
        """One line of the table: a figure for each size."""
        at = [each for each in self.counts if each[:2] == (command, grows)]
        cpu = [self.ratios.median(str(each)) for each in at]
        asked = zip(*(self.counts[each].cells for each in at), strict=True)
        return [
            command,
            f"{grows}: {_joined(f'{each.size:,}' for each in at)}",
            _joined(f"{ratio:.2f}" for ratio in cpu),
            f"{max(cpu) / min(cpu):.2f}",
            *map(_joined, asked),
            expected,
        ]


def measure(setting: Setting) -> dict[str, str]:
    """The block of this section."""
    runs = rounds.count(ROUNDS)
    yardstick = Yardstick(setting)
    probes, heard = growing.Probes(setting), growing.Probes(setting, heard=True)
    growing.offer_models(setting)
    found = Found()
    _look(setting, found, yardstick, (probes, heard), growing.cases(setting), runs)
    growing.do_what_is_due(probes)
    _look(setting, found, yardstick, (probes, heard), growing.due_cases(setting), min(runs, 2))
    for cases in growing.among_many(setting, few=runs < ROUNDS):
        _look(setting, found, yardstick, (probes, heard), cases, runs)
    _assert_flat(found)
    head = ["function", "of what", "CPU", "largest by smallest", "requests", "write units", "read units", "should grow"]
    intro = (
        f"{setting.versions}, {probes.client}; medians of {runs} rounds; CPU by one bare boto3 `update_item`"
        f" ({found.ratios.yardstick_us():.0f} µs here).\n\n"
    )
    rows = [found.row(*what, expected) for what, expected in EXPECTED.items()]
    return {"growth": intro + page.table(head, rows)}


def _look(
    setting: Setting, found: Found, yardstick: Yardstick, probes: tuple[Probes, Probes], cases: list[Case], runs: int
) -> None:
    timed, heard = probes
    for case in cases:
        for _ in case.run(heard):  # the first request of a process may cost more
            continue
        setting.listener.taken()
        for command, took in case.run(heard):
            found.counts[At(command, case.grows, case.size)] = setting.listener.taken().each(len(took))
    for number in range(runs + 1):
        bare_ns = yardstick.bare_ns()
        if number:
            found.ratios.yardstick(bare_ns)
        for case in cases:
            for command, took in case.run(timed):
                if number:
                    found.ratios.add(str(At(command, case.grows, case.size)), took)


def _assert_flat(found: Found) -> None:
    for (command, grows), expected in EXPECTED.items():
        counts = {each for at, each in found.counts.items() if at[:2] == (command, grows)}
        assert counts, f"{command} was not asked for: {grows}"
        assert expected != FLAT or len(counts) == 1, (command, grows, counts)


def _joined(figures: Iterable[str]) -> str:
    return " · ".join(figures)
