"""A number that a measurement is given is one above zero, or one line says which it was and the program ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from benchmarks import given


@pytest.mark.parametrize(("text", "number"), [(None, 8), ("", 8), ("3", 3), ("1e2", 100), ("0.5", Decimal("0.5"))])
def test_number_is_what_was_given_or_the_default(
    text: str | None, number: Decimal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BILLED_MS", raising=False)
    if text is not None:
        monkeypatch.setenv("BILLED_MS", text)
    assert given.positive("BILLED_MS", 8) == number


@pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "inf", "1,5"])
def test_what_is_no_number_above_zero_ends_the_program_and_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNS", text)
    for read in (given.positive, given.positive_whole):
        with pytest.raises(SystemExit, match=f"^RUNS must be a number above 0: '{text}'$"):
            read("RUNS", 15)


def test_half_a_round_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNS", "1.5")
    with pytest.raises(SystemExit, match=r"^RUNS must be a whole number: '1\.5'$"):
        given.positive_whole("RUNS", 15)
