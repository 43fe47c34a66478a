"""Instants: written in one way, read with any offset, and never guessed."""

from __future__ import annotations

from datetime import datetime

import pytest

from modelpass.times import instant_ms, rfc3339, to_ms


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
        ("2026-12-24T00:00:00.5Z", "2026-12-24T00:00:00.500Z"),
        ("2026-12-24T00:00:00.007Z", "2026-12-24T00:00:00.007Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_instant_is_read_as_it_is_written_whatever_its_offset(text: str, same: str) -> None:
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
        "2026-12-24T00:00:00",
        "2026-12-24T00:00:00.1234Z",
        "2026-12-24T00:00:00+01",
        "2026-12-24T00:00:00z",
        "2026-06-31T00:00:00Z",
        "2026-12-24T25:00:00Z",
        "2026-12-24T00:00:00+25:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٦-12-24T00:00:00Z",
        "2026-12-24T00:00:00Z\n",
        "20261224T000000Z",
        "2026-W52-4T00:00:00Z",
    ],
)
def test_what_is_no_instant_is_not_guessed(text: str) -> None:
    assert instant_ms(text) is None
