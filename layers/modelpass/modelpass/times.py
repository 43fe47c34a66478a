"""Instants: whole milliseconds since the Unix epoch, and how they are written and read. Rule: pure; reads no clock.

Texts are those of RFC 3339. Nothing here depends on a time zone: days and months of one are in `entitlements.windows`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

MS_PER_SECOND: Final = 1000
DAY_MS: Final = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){2}")
_INSTANT = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:[0-9]{2})")


def to_ms(instant: datetime) -> int:
    """Milliseconds since the epoch, exact; further digits are cut off."""
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(at_ms: int) -> datetime:
    """The UTC instant of a millisecond count, exact."""
    return _EPOCH + at_ms * _MILLISECOND


def rfc3339(at_ms: int) -> str:
    """UTC text such as `2026-11-23T00:00:00Z`; milliseconds only when they are not zero."""
    seconds, ms = divmod(at_ms, MS_PER_SECOND)
    whole = (_NAIVE_EPOCH + timedelta(seconds=seconds)).isoformat()
    return f"{whole}.{ms:03d}Z" if ms else f"{whole}Z"


def instant_ms(text: str) -> int | None:
    """The reverse of `rfc3339`, of any offset and up to the millisecond; None for what is no such time."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    try:
        at_ms = to_ms(datetime.fromisoformat(text))
    except ValueError:  # a 31st of June, an hour 25
        return None
    return at_ms if at_ms <= _LAST_MS else None


def date_of(text: str) -> date | None:
    """A calendar date such as `2026-11-24`; None for what is no such date."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:  # a 31st of June
        return None


def seconds_until(at_ms: int, now_ms: int) -> int:
    """Whole seconds from now until an instant, rounded up."""
    return -(-(at_ms - now_ms) // MS_PER_SECOND)


def whole_second(at_ms: int) -> int:
    """The instant at which the second began that an instant lies in."""
    return at_ms - at_ms % MS_PER_SECOND
