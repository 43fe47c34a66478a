"""What a command refuses. Rule: that it raised `Refused` is asserted here, once, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal(command: Callable[..., object], *args: Any, **more: Any) -> tuple[str, str | None]:
    """The code and the param that a command refuses with."""
    with pytest.raises(Refused) as caught:
        command(*args, **more)
    return caught.value.refusal.code.code, caught.value.refusal.param


def refused_code(command: Callable[..., object], *args: Any, **more: Any) -> str:
    """The code alone."""
    return refusal(command, *args, **more)[0]
