"""Instants: whole milliseconds since the Unix epoch, and how they are written and read. Rule: pure; reads no clock.

Texts are those of RFC 3339. Nothing here depends on a time zone: local days and months are in `entitlements.windows`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

MS_PER_SECOND: Final = 1000
NS_PER_MS: Final = 1_000_000
DAY_MS: Final = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){2}")
_INSTANT = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:[0-9]{2})")


def to_ms(instant: datetime) -> int:
    """The whole milliseconds from the epoch to an instant, worked out without floats; what is finer is cut off."""
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(at_ms: int) -> datetime:
    """The instant so many milliseconds after the epoch, in UTC."""
    return _EPOCH + at_ms * _MILLISECOND


def rfc3339(at_ms: int) -> str:
    """UTC text such as `2026-11-23T00:00:00Z`; milliseconds only when they are not zero."""
    seconds, ms = divmod(at_ms, MS_PER_SECOND)
    whole = (_NAIVE_EPOCH + timedelta(seconds=seconds)).isoformat()
    return f"{whole}.{ms:03d}Z" if ms else f"{whole}Z"


def instant_ms(text: str) -> int | None:
    """The instant that an RFC 3339 text names; None for any text that does not name one.

    It may have any offset and up to three decimals of a second, and must lie before the year 10000 in UTC.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    try:
        at_ms = to_ms(datetime.fromisoformat(text))
    except ValueError:  # a 31st of June, an hour 25
        return None
    return at_ms if at_ms <= _LAST_MS else None


def date_of(text: str) -> date | None:
    """The date that a text such as `2026-11-24` names; None for any text that does not name one."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:  # a 31st of June
        return None


def seconds_until(at_ms: int, now_ms: int) -> int:
    """Whole seconds from now until an instant, rounded up; both instants in milliseconds."""
    return -(-(at_ms - now_ms) // MS_PER_SECOND)


def whole_second(at_ms: int) -> int:
    """An instant rounded down to a whole second; both in milliseconds."""
    return at_ms - at_ms % MS_PER_SECOND
