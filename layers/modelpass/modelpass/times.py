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
_FIRST_MS = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
TIME_RULE: Final = "an RFC 3339 time with an offset, such as 2026-12-24T00:00:00Z or 2026-12-24T01:00:00+01:00"
"""Completes the sentence "… must be …"."""
# Patterns are compiled when they are first used: the hot path, which imports this file, reads no times.
_DATE = r"[0-9]{4}(-[0-9]{2}){2}"
_HOUR_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_INSTANT = (
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_HOUR_MINUTE}):([0-5][0-9]|60)(?:\.([0-9]+))?([Zz]|[+-]{_HOUR_MINUTE})"
)
_LEAP = "60"


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
    """The instant that an RFC 3339 text names, cut to milliseconds; None for any text that does not name one.

    It may have any offset (`-00:00` is UTC), any number of decimals, and `t` and `z` for `T` and `Z`; it must lie in
    the years 1 to 9999 in UTC. A leap second, `:60`, may only be the last of a month in UTC, whichever months had one.
    It is the second after it, as on clocks that show none: `2016-12-31T23:59:60Z` is `2017-01-01T00:00:00Z`.
    """
    match = re.fullmatch(_INSTANT, text)
    if match is None:
        return None
    to_minute, second, decimals, offset = match.groups()
    leaps = second == _LEAP
    try:
        shown = datetime.fromisoformat(f"{to_minute}:{'59' if leaps else second}{offset}".upper())
    except ValueError:  # a 31st of June
        return None
    second_ms = to_ms(shown) + leaps * MS_PER_SECOND
    if not _FIRST_MS <= second_ms <= _LAST_MS or (leaps and not _begins_month(second_ms)):
        return None
    return second_ms + int((decimals or "")[:3].ljust(3, "0"))


def date_of(text: str) -> date | None:
    """The date that a text such as `2026-11-24` names; None for any text that does not name one."""
    if re.fullmatch(_DATE, text) is None:
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


def _begins_month(at_ms: int) -> bool:
    return at_ms % DAY_MS == 0 and from_ms(at_ms).day == 1
