"""Numbers that a measurement is given in the environment. Rule: a value that is none ends the program with one line."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation


def positive(name: str, default: int) -> Decimal:
    """The number that the environment gives under this name, or the default; ends the program unless it is above 0."""
    text = os.environ.get(name) or str(default)
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or number <= 0:
        raise SystemExit(f"{name} must be a number above 0: {text!r}")
    return number


def positive_whole(name: str, default: int) -> int:
    """Likewise for a whole number."""
    number = positive(name, default)
    if number != int(number):
        raise SystemExit(f"{name} must be a whole number: '{number}'")
    return int(number)
