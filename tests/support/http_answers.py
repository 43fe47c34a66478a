"""An answer over HTTP as tests look at it, from a connection or from a handler. Rule: it is held as it came, unchecked.

What an error in it shows depends on who asked: `tests/support/stack.py` and `tests/support/handlers.py` add that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

_Body = TypeVar("_Body", str, bytes)


@dataclass(frozen=True, slots=True)
class HttpAnswer(Generic[_Body]):
    """A status, headers and a body: text as a handler gives it, bytes as they come over a connection."""

    status: int
    headers: dict[str, str]
    body: _Body

    @property
    def json(self) -> Any:
        return json.loads(self.body)
