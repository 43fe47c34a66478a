"""What is typed is read in one way or refused, and what is shown obeys no terminal."""

from __future__ import annotations

import pytest

from modelpass_client.cli import formats
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("5000000", 5_000_000),
        ("5_000_000", 5_000_000),
        ("5M", 5_000_000),
        ("500k", 500_000),
        ("-3_800_000", -3_800_000),
        ("+5k", 5_000),
    ],
)
def test_numbers_are_read(text: str, value: int) -> None:
    assert formats.number(text, "N") == value


@pytest.mark.parametrize(
    "text", ["", "5,000", "5.000", "1.5M", "5m", "5K", "5G", "5_0", "_5", "5_000_00", "1e3", "\u0665", " 5"]
)
def test_numbers_that_could_mean_two_things_are_refused(text: str) -> None:
    with pytest.raises(Failure, match="N must be a whole number") as refused:
        formats.number(text, "N")
    assert refused.value.exit_status is Exit.USAGE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-12-24", "2026-12-24T00:00:00Z"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
        ("2026-12-24T18:00:00.5+01:00", "2026-12-24T18:00:00.5+01:00"),
    ],
)
def test_times_are_dates_or_rfc_3339(text: str, value: str) -> None:
    assert formats.instant(text, "--at") == value


@pytest.mark.parametrize(
    "text", ["24.12.2026", "2026-13-01", "2026-02-30T00:00:00Z", "2026-12-24 18:00", "2026-12-24T18:00"]
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(Failure, match="--at must be a date"):
        formats.instant(text, "--at")


def test_a_model_is_typed_with_tier_calls_and_cap_and_its_id_may_hold_anything() -> None:
    line = {"channelTier": "stable", "dailyCallLimit": 50, "monthlyTokenCap": 5_000_000}
    assert formats.line("a=stable,50,5M") == {"modelId": "a", **line}
    assert formats.line("v:a/b@1=stable,50,5_000_000") == {"modelId": "v:a/b@1", **line}


@pytest.mark.parametrize("text", ["a", "a=stable", "=stable,1,1", "a=stable,1", "a=stable,1,000,5", "a=stable,x,1"])
def test_a_model_that_is_typed_in_another_way_is_refused(text: str) -> None:
    with pytest.raises(Failure) as refused:
        formats.line(text)
    assert refused.value.exit_status is Exit.USAGE


@pytest.mark.parametrize("text", ["", "a/b", "../x", "a b", "ä", "x" * 513])
def test_what_is_no_id_reaches_no_path(text: str) -> None:
    with pytest.raises(Failure, match="ORDER is an id"):
        formats.opaque(text, "ORDER")


def test_nothing_that_is_shown_is_obeyed_by_a_terminal() -> None:
    assert formats.plain("a\x1b[31m\u202eb\x00\nc\td") == "a�[31m�b� c d"
    assert [formats.plain(value) for value in (None, True, False, 1234567, "ä")] == ["", "yes", "no", "1,234,567", "ä"]
