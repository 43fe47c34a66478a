"""Markdown tables, and the blocks of a page that hold them. Rule: people write the prose, the last run its blocks.

A block stands between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`; nothing outside of blocks is ever written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_BLOCK: Final = re.compile(r"<!-- bench:([a-z-]+) -->\n(.*?)<!-- /bench:\1 -->", re.DOTALL)
Cell = str | int | float


class PageError(ValueError):
    """A block has no place in the page."""


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table, its figures set to the right. Raises `ValueError` when a row is not as wide as the head."""
    drawn = [[_cell(cell) for cell in row] for row in rows]
    if any(len(row) != len(head) for row in drawn):
        raise ValueError("a row is not as wide as the head")
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in ([*head], rule, *drawn))


def blocks(page: str) -> dict[str, str]:
    """The blocks of a page by name; raises `PageError` when one is there twice or is not closed."""
    found = _BLOCK.findall(page)
    names = [name for name, _ in found]
    marks = (page.count("<!-- bench:"), page.count("<!-- /bench:"))
    if len(set(names)) < len(names) or marks != (len(names), len(names)):
        raise PageError("every block is there once, and closed")
    return dict(found)


def write_into(file: Path, contents: Mapping[str, str]) -> None:
    """Write blocks of a page anew; raises `PageError`, which names the page, when it lacks one."""
    page = file.read_text("utf-8")
    try:
        page = filled(page, {name: f"\n{text}\n" for name, text in contents.items()})
    except PageError as error:
        raise PageError(f"{file.name}: {error}") from None
    file.write_text(page, "utf-8")


def filled(page: str, contents: Mapping[str, str]) -> str:
    """The page with these blocks written anew; raises `PageError` when it lacks one."""
    missing = contents.keys() - blocks(page).keys()
    if missing:
        raise PageError(f"the page has no block {', '.join(sorted(missing))}")
    return _BLOCK.sub(lambda block: _written(block, contents), page)


def _written(block: re.Match[str], contents: Mapping[str, str]) -> str:
    name = block[1]
    return f"<!-- bench:{name} -->\n{contents[name]}<!-- /bench:{name} -->" if name in contents else block[0]


def _cell(cell: Cell) -> str:
    match cell:
        case float():
            return f"{cell:.2f}"
        case int():
            return f"{cell:,}"
    return cell
