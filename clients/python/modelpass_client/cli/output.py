"""What is printed, and where. Rule: results go to standard output, all else to standard error, and secrets to neither.

For people there are tables, within the width of the terminal; where standard output is none, they are plain and not
cut. For programs (`--json`) there is one JSON document, or one a line for each item of a list. Colours go by NO_COLOR
and by whether it is a terminal.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from modelpass_client.cli.formats import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import JustifyMethod

    from modelpass_client.cli.failures import Failure

_WIDE: Final = 100_000
_GAP: Final = 2
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z")


class Output:
    """Standard output and standard error of one command."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE
        self._out = Console(file=sys.stdout, width=wide, highlight=False, emoji=False, markup=False)
        self._err = Console(file=sys.stderr, highlight=False, emoji=False, markup=False, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees standard output."""
        return self._out.is_terminal

    def document(self, value: Any) -> None:
        """One JSON document; nothing for people."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def line(self, value: Any) -> None:
        """One JSON document on a line of its own; nothing for people."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def say(self, text: str) -> None:
        """A result in a sentence, for people."""
        if not self.as_json:
            self._out.print(Text(text), soft_wrap=True)

    def fields(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """Names and values, a line each, for people; what has no value is left out."""
        if self.as_json:
            return
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in pairs:
            if value is not None:
                grid.add_row(Text(name, style="bold"), Text(plain(value)))
        self._print(grid)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, nothing: str) -> None:
        """A table for people: figures to the right, no empty columns, no word broken; without rows, `nothing`.

        Where the terminal is too narrow for that, each row is told as `fields` are.
        """
        if self.as_json:
            return
        kept = list(rows)
        if not kept:
            self._err.print(Text(nothing))
            return
        shown = [index for index in range(len(columns)) if any(row[index] not in (None, "") for row in kept)]
        drawn = box.SIMPLE_HEAD if self.is_terminal else None
        gap = (0, _GAP - 1 if drawn else _GAP, 0, 0)  # the box has a blank between columns by itself
        table, narrowest = Table(box=drawn, padding=gap, pad_edge=False, header_style="bold"), 0
        for index in shown:
            values = [row[index] for row in kept if row[index] not in (None, "")]
            texts = [columns[index], *map(_short, values)]
            in_one_piece = not any(" " in text for text in texts[1:])
            pieces = texts if in_one_piece else [word for text in texts for word in text.split()]
            narrowest += max(map(cell_len, pieces)) + _GAP
            justify: JustifyMethod = "right" if all(map(_is_figure, values)) else "left"
            table.add_column(columns[index], justify=justify, no_wrap=in_one_piece, overflow="fold")
        for row in kept:
            table.add_row(*(Text(_short(row[index])) for index in shown))
        if narrowest <= self._out.width:
            self._print(table)
            return
        for row in kept:
            self.fields((columns[index], None if row[index] == "" else row[index]) for index in shown)
            self.say("")

    def _print(self, renderable: Table) -> None:
        if self.is_terminal:
            self._out.print(renderable)
            return
        with self._out.capture() as captured:
            self._out.print(renderable)
        for text in captured.get().splitlines():
            sys.stdout.write(text.rstrip() + "\n")

    def note(self, text: str) -> None:
        """Something beside the result, on standard error."""
        self._err.print(Text(text))

    def failure(self, failure: Failure) -> None:
        """Why the command ends, on standard error."""
        self._err.print(Text.assemble(("Error: ", "bold red"), plain(failure.what)))
        if failure.todo:
            self._err.print(Text(plain(failure.todo)))

    @contextlib.contextmanager
    def progress(self, doing: str) -> Iterator[Callable[[int], None]]:
        """A sign on standard error that something goes on, where a person sees it; call it with how far it is."""
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        shown = Progress(*columns, console=self._err, transient=True, disable=not self._err.is_terminal)
        with shown:
            task = shown.add_task(doing)

            def tell(count: int) -> None:
                shown.update(task, description=f"{doing} {count:,}" if count else doing)

            yield tell


def _short(value: Any) -> str:
    """A value in a table; an instant is told to the minute."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    return f"{found[1]} {found[2]}Z" if found else plain(value)


def _is_figure(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, str) and value.replace(".", "", 1).isdecimal())
