"""How numbers, times and orders are typed, and how they are shown. Rule: what could mean two things is refused."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Any, Final

from modelpass_client.cli.failures import usage

_NUMBER: Final = re.compile(r"([+-]?)([0-9]{1,3}(?:_[0-9]{3})+|[0-9]+)([kM]?)")
_SHORT: Final = {"": 1, "k": 1_000, "M": 1_000_000}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,512}")
_LINE: Final = "MODEL=TIER,CALLS,CAP, such as claude-opus-4-6=stable,50,5M"
_PARTS: Final = 3


def number(text: str, name: str) -> int:
    """A whole number: `5000000`, `5_000_000` or `5M`; raises `Failure` for any other form."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise usage(f"{name} must be a whole number such as 5000000, 5_000_000, 5M or 500k, not {text!r}.")
    return int(found[1] + found[2].replace("_", "")) * _SHORT[found[3]]


def instant(text: str, name: str) -> str:
    """An instant in RFC 3339; a plain date is its first moment in UTC. Raises `Failure` for any other form."""
    if _DATE.fullmatch(text):
        return f"{day(text, name)}T00:00:00Z"
    if not _INSTANT.fullmatch(text):
        raise usage(f"{name} must be a date such as 2026-12-24, or a time such as 2026-12-24T18:00:00+01:00.")
    day(text[:10], name)
    return text


def day(text: str, name: str) -> str:
    """A plain date, YYYY-MM-DD; raises `Failure` for what is none."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise usage(f"{name} must be a date such as 2026-12-24, not {text!r}.")


def opaque(text: str, name: str) -> str:
    """The id of a subscription, an order or an authorization; raises `Failure` for what can be none."""
    if not _ID.fullmatch(text):
        raise usage(f"{name} is an id of letters, digits, _ and -.", "Paste it as a command showed it.")
    return text


def line(text: str) -> dict[str, Any]:
    """A model to buy, typed as `MODEL=TIER,CALLS,CAP`; raises `Failure` for any other form."""
    model_id, equals, rest = text.rpartition("=")
    parts = rest.split(",")
    if not equals or not model_id or len(parts) != _PARTS:
        raise usage(f"A model is typed as {_LINE}; not {text!r}.")
    return {
        "modelId": model_id,
        "channelTier": parts[0],
        "dailyCallLimit": number(parts[1], "CALLS (a day)"),
        "monthlyTokenCap": number(parts[2], "CAP (units a month)"),
    }


def plain(value: Any) -> str:
    """A value for a person's eyes: nothing for null, and no character that a terminal would obey."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return "".join(" " if c in "\n\t" else "�" if unicodedata.category(c)[0] == "C" else c for c in str(value))


def ends(seconds: float) -> str:
    """An instant given as seconds since 1970, in RFC 3339 and local time."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
