"""Targets beside what was found. Rule: it reports and never fails: the table says which are not met."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks import page


@dataclass(slots=True)
class Targets:
    """Rows of a table."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def at_most(self, what: str, found: float, most: float) -> None:
        """A figure that should not be larger, compared as it is shown."""
        self.rows.append((what, f"≤ {most:.2f}", f"{found:.2f}", _said(met=round(found, 2) <= most)))

    def true(self, what: str, *, met: bool) -> None:
        """A fact."""
        self.rows.append((what, "yes", "yes" if met else "no", _said(met=met)))

    def table(self) -> str:
        """The table of all targets."""
        return page.table(["what", "target", "found", "target is"], self.rows)


def _said(*, met: bool) -> str:
    return "met" if met else "**not met**"
