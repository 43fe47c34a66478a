"""How the demo tells its story and checks it. Rule: a step is shown as done only after its answer was checked.

Colours are for terminals: piped, or with NO_COLOR set, the story is plain text.
"""

from __future__ import annotations

import json
import os
from typing import IO, Any, Final

GREEN: Final = "32"
RED: Final = "31"
YELLOW: Final = "33"
BOLD: Final = "1"
DIM: Final = "2"

Json = dict[str, Any]


class WrongAnswerError(Exception):
    """A step was not answered as the contract says; the message lists what differs."""


class Narrator:
    """Writes the story to a stream."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._coloured = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._chapters = 0

    def heading(self, title: str, facts: dict[str, str]) -> None:
        """What is about to be told, and where."""
        self._line(self._paint(BOLD, title))
        width = max(map(len, facts))
        for name, value in facts.items():
            self._line(f"  {name:{width}}  {value}")

    def chapter(self, title: str) -> None:
        """The next part of the story."""
        self._chapters += 1
        self._line("")
        self._line(self._paint(BOLD, f"{self._chapters}. {title}"))

    def happened(self, text: str) -> None:
        """One step, answered as it should be."""
        self._line(f"  {self._paint(GREEN, '✓')} {text}")

    def refused(self, text: str) -> None:
        """One step that was refused, as it should be."""
        self._line(f"  {self._paint(YELLOW, '✓')} {text}")

    def aside(self, text: str) -> None:
        """A figure or a reason beside the step above."""
        self._line("    " + self._paint(DIM, text))

    def failed(self, text: str) -> None:
        """What was not as it should be."""
        first, *more = text.splitlines()
        self._line(f"  {self._paint(RED, '✗')} {first}")
        for line in more:
            self._line(f"    {line}")

    def end(self, text: str) -> None:
        """The last line."""
        self._line("")
        self._line(text)

    def _line(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def _paint(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._coloured else text


def check(what: str, expected: object, came: object) -> None:
    """Compare an answer with what must be in it; objects may hold more. Raises `WrongAnswerError`."""
    found = differences(expected, came)
    if found:
        lines = [f"{what}: the answer is not as the contract says.", *found, f"The whole answer: {_shown(came)}"]
        raise WrongAnswerError("\n".join(lines))


def differences(expected: object, came: object, path: str = "") -> list[str]:
    """Where an answer differs from what must be in it, a line each. A type expects any value of it."""
    if isinstance(expected, type):
        return [] if isinstance(came, expected) else [f"{path}: expected a {expected.__name__}, came {_shown(came)}"]
    if isinstance(expected, dict) and isinstance(came, dict):
        inside = [(f"{path}.{name}" if path else name, value, name) for name, value in expected.items()]
        return [line for at, value, name in inside for line in differences(value, came.get(name), at)]
    if isinstance(expected, list) and isinstance(came, list) and len(expected) == len(came):
        pairs = enumerate(zip(expected, came, strict=True))
        return [line for index, (want, have) in pairs for line in differences(want, have, f"{path}[{index}]")]
    if type(expected) is type(came) and expected == came:
        return []
    return [f"{path or 'answer'}: expected {_shown(expected)}, came {_shown(came)}"]


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
