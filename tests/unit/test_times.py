"""Instants: written in one way, read with any offset, and never guessed."""

from __future__ import annotations

import calendar
import math
import string
from datetime import date, datetime
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelpass.times import instant_ms, rfc3339, to_ms
from tests.support.builders import PROPERTY


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_795_392_000_000, "2026-11-23T00:00:00Z"),
        (1_795_392_000_020, "2026-11-23T00:00:00.020Z"),
        (1_795_391_999_999, "2026-11-22T23:59:59.999Z"),
        (1_835_438_400_500, "2028-02-29T12:00:00.500Z"),
    ],
)
def test_instants_are_told_in_utc_with_milliseconds_only_when_not_zero(at_ms: int, text: str) -> None:
    assert rfc3339(at_ms) == text
    assert to_ms(datetime.fromisoformat(text)) == at_ms


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-12-24T00:00:00Z", "2026-12-24T00:00:00Z"),
        ("2026-12-24T01:00:00+01:00", "2026-12-24T00:00:00Z"),
        ("2026-12-24T05:30:00+05:30", "2026-12-24T00:00:00Z"),
        ("2026-12-23T12:15:00-11:45", "2026-12-24T00:00:00Z"),
        ("2026-12-24T23:59:00+23:59", "2026-12-24T00:00:00Z"),
        ("2026-12-24T00:00:00-00:00", "2026-12-24T00:00:00Z"),
        ("2026-12-24t00:00:00z", "2026-12-24T00:00:00Z"),
        ("2026-12-24t00:00:00.25+00:00", "2026-12-24T00:00:00.250Z"),
        ("2026-12-24T00:00:00.5Z", "2026-12-24T00:00:00.500Z"),
        ("2026-12-24T00:00:00.007Z", "2026-12-24T00:00:00.007Z"),
        ("2026-12-24T00:00:00.0079Z", "2026-12-24T00:00:00.007Z"),
        ("2026-12-24T00:00:00.123456Z", "2026-12-24T00:00:00.123Z"),
        ("2026-12-24T00:00:00.123456789+00:00", "2026-12-24T00:00:00.123Z"),
        (f"2026-12-24T00:00:00.{'9' * 10_000}Z", "2026-12-24T00:00:00.999Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"),
        ("2015-07-01T05:29:60.75+05:30", "2015-07-01T00:00:00.750Z"),
        ("2027-02-28T23:59:60Z", "2027-03-01T00:00:00Z"),
    ],
)
def test_instant_is_read_in_every_form_and_cut_to_milliseconds(text: str, same: str) -> None:
    at_ms = instant_ms(text)
    assert at_ms is not None
    assert rfc3339(at_ms) == same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-12-24",
        "2026-12-24T00:00Z",
        "2026-12-24 00:00:00Z",
        "2026-12-24_00:00:00Z",
        "2026-12-24T00:00:00",
        "2026-12-24T00:00:00.Z",
        "2026-12-24T00:00:00,5Z",
        "2026-12-24T00:00:00+01",
        "2026-12-24T00:00:00+0100",
        "2026-12-24T00:00:00+01:00:00",
        "2026-12-24T00:00:00 +01:00",
        "2026-12-24T00:00:00\N{MINUS SIGN}01:00",
        "2026-06-31T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-12-00T00:00:00Z",
        "2026-12-24T24:00:00Z",
        "2026-12-24T25:00:00Z",
        "2026-12-24T00:60:00Z",
        "2026-12-24T00:00:61Z",
        "2026-12-24T00:00:00+24:00",
        "2026-12-24T00:00:00-25:00",
        "2026-12-24T00:00:00+05:60",
        "2026-12-24T23:59:60Z",
        "2026-12-31T23:58:60Z",
        "2026-12-31T23:59:60+01:00",
        "2027-01-01T00:00:60Z",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+00:01",
        "0000-01-01T00:00:00Z",
        "12026-12-24T00:00:00Z",
        "+2026-12-24T00:00:00Z",
        "-2026-12-24T00:00:00Z",
        "26-12-24T00:00:00Z",
        "2026-1-24T00:00:00Z",
        "٢٠٢٦-12-24T00:00:00Z",
        "2026-12-24T00:00:00.\N{ARABIC-INDIC DIGIT FIVE}Z",
        "2026-12-24T00:00:00Z\n",
        " 2026-12-24T00:00:00Z",
        "2026-12-24T00:00:00ZZ",
        "20261224T000000Z",
        "2026-W52-4T00:00:00Z",
        "2026-358T00:00:00Z",
        "1795392000000",
        "\ud800",
    ],
)
def test_what_is_no_instant_is_not_guessed(text: str) -> None:
    assert instant_ms(text) is None


DIGITS = st.text(string.digits, min_size=1, max_size=12)


@st.composite
def almost_instants(draw: st.DrawFn) -> str:
    """Texts in the order of RFC 3339, with some of their parts at or beyond their bounds."""
    year = draw(st.one_of(st.integers(0, 9999), st.sampled_from([0, 1, 2027, 2028, 9999])))
    rare = draw(st.integers(0, 3)) == 0
    month, day = draw(st.integers(0, 13)), draw(st.one_of(st.integers(0, 32), st.integers(27, 31)))
    time = (
        draw(st.sampled_from(["24:00:00", "00:60:00", "23:59:60", "23:59:61", "15:59:60", "05:29:60"])) if rare else ""
    )
    time = time or f"{draw(st.integers(0, 23)):02}:{draw(st.integers(0, 59)):02}:{draw(st.integers(0, 59)):02}"
    decimals = draw(st.one_of(st.just(""), DIGITS.map(".{}".format), st.sampled_from([".", ",5", ".-1"])))
    sign, hours, minutes = draw(st.sampled_from("+-")), draw(st.integers(0, 24)), draw(st.sampled_from([0, 30, 59, 60]))
    near = st.sampled_from(["", "Z", "z", "-08:00", "+05:30", "+00", "UTC"])
    offset = draw(st.one_of(near, st.just(f"{sign}{hours:02}:{minutes:02}")))
    return f"{year:04}-{month:02}-{day:02}{draw(st.sampled_from('TTTt '))}{time}{decimals}{offset}"


def parts_by_hand(text: str) -> list[str] | None:
    """Year, month, day, hour, minute, second, sign, hours and minutes of the offset, decimals; None where one lacks."""
    day, time = text[:10], text[11:].upper()
    clock, offset = (time[:-1], "+00:00") if time.endswith("Z") else (time[:-6], time[-6:])
    if text[10:11] not in ("T", "t") or offset[0:1] not in ("+", "-") or clock.endswith("."):
        return None
    whole, _, decimals = clock.partition(".")
    numbers = [*day.split("-"), *whole.split(":"), *offset[1:].split(":")]
    if [len(n) for n in numbers] != [4, 2, 2, 2, 2, 2, 2, 2] or not "".join([*numbers, decimals]).isdecimal():
        return None
    return [*numbers[:6], offset[0], *numbers[6:], decimals]


def read_by_hand(text: str) -> Fraction | None:
    """Seconds since 1970 by the words of RFC 3339, section 5.6, with days counted by the calendar; None for no time."""
    parts = parts_by_hand(text)
    if parts is None:
        return None
    sign, decimals = parts.pop(6), parts.pop()
    year, month, day, hour, minute, second, ahead_hours, ahead_minutes = map(int, parts)
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    if max(hour, ahead_hours) > 23 or max(minute, ahead_minutes) > 59 or second > 60:
        return None
    ahead = (ahead_hours * 60 + ahead_minutes) * (-60 if sign == "-" else 60)
    at = date(year, month, day).toordinal() * 86_400 + hour * 3600 + minute * 60 + second - ahead
    is_shown = 86_400 <= at < (date.max.toordinal() + 1) * 86_400
    if not is_shown or (second == 60 and (at % 86_400 or date.fromordinal(at // 86_400).day != 1)):
        return None
    return at - date(1970, 1, 1).toordinal() * 86_400 + Fraction(int(decimals or "0"), 10 ** len(decimals))


@PROPERTY
@given(almost_instants())
@example("2016-12-31T23:59:60.9999Z")
@example("1969-12-31T23:59:59.99999z")
def test_instants_are_those_that_the_standard_names(text: str) -> None:
    seconds = read_by_hand(text)
    assert instant_ms(text) == (None if seconds is None else math.floor(seconds * 1000))
