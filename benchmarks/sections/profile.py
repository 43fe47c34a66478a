"""Where the CPU of a warm request goes. Rule: what is inside a part is in no other, and the parts are all there is.

The clock is read at each seam, some thirty times a request; what that takes is measured and taken off.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks import page
from benchmarks.callers import report
from benchmarks.probe import PARTS

if TYPE_CHECKING:
    from benchmarks.callers import Client

_FUNCTIONS: Final = ("authorize", "settle")


@dataclass(slots=True)
class Profile:
    """Shares by function and part, a figure for each round."""

    of: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def look(self, client: Client, count: int, yardstick_ns: float) -> None:
        """Let so many pairs be carried out, and keep where their time went, in yardsticks."""
        granted = client.authorize.ask("profile", events=client.asks(count))
        settled = client.settle.ask("profile", events=[report(done["answer"]) for done in granted])
        assert all(done["answer"]["settled"] for done in settled), settled[0]
        for function, done in zip(_FUNCTIONS, (granted, settled), strict=True):
            for part in PARTS:
                spent = statistics.fmean(each["parts"].get(part, 0) for each in done)
                self.of.setdefault((function, part), []).append(spent / yardstick_ns)

    def median(self, function: str, part: str) -> float:
        """What a part takes."""
        return statistics.median(self.of[function, part])


def table(profiles: dict[str, Profile]) -> str:
    """A column for each client and function, a row for each part that takes anything."""
    columns = [(name, found, function) for name, found in profiles.items() for function in _FUNCTIONS]
    shares = {part: [found.median(function, part) for _, found, function in columns] for part in PARTS}
    rows: list[list[page.Cell]] = [[part, *share] for part, share in shares.items() if any(share)]
    together = [sum(column) for column in zip(*shares.values(), strict=True)]
    head = ["CPU of", *(f"{function}, {name}" for name, _, function in columns)]
    return page.table(head, [*rows, ["together", *together]])
