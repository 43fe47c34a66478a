"""Tables break no word and no figure at any width, and plain ones are for a person's eyes as well as for `grep`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = ("Model", "Base", "Per unit", "Used", "Resets", "Order", "Nothing")
ROWS: list[Sequence[Any]] = [
    (
        "claude-opus-4-6",
        "12.00 USD",
        "0.000002",
        0,
        "2026-11-29T00:00:59.5Z",
        "ord_mfrggzdfmztwq2lknnwg23tpaaaaaaab",
        None,
    ),
    ("veo-3", "3.00 USD", "0.4", 5_000_000, None, "ord_b", ""),
]
WORDS = ("claude-opus-4-6", "12.00", "0.000002", "5,000,000", "ord_mfrggzdfmztwq2lknnwg23tpaaaaaaab", "veo-3", " 0")


def shown(capsys: pytest.CaptureFixture[str], rows: list[Sequence[Any]] = ROWS) -> str:
    Output(as_json=False).table(COLUMNS, rows, nothing="There is nothing.")
    out, err = capsys.readouterr()
    assert err == ("" if rows else "There is nothing.\n")
    return out


@pytest.mark.parametrize("width", [50, 60, 80, 100, 110, 120, 300])
def test_no_word_is_broken_and_no_figure_lost_at_any_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = shown(capsys)
    assert max(map(len, text.splitlines())) <= width
    for word in WORDS:
        assert word in text
    assert "Nothing" not in text
    assert "…" not in text


def test_where_it_is_too_narrow_each_row_is_told_by_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    first, second = shown(capsys).strip().split("\n\n")
    assert [line.split(maxsplit=1)[0] for line in second.splitlines()] == ["Model", "Base", "Per", "Used", "Order"]
    assert "2026-11-29T00:00:59.5Z" in first


def test_what_is_longer_than_the_terminal_goes_on_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    text = shown(capsys)
    assert "…" not in text
    assert "ord_mfrggzdfmztwq2lknnwg23tpaaaaaaab" in text.replace("\n", "").replace(" ", "")


def test_without_a_width_a_row_is_a_line_with_two_blanks_between_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = shown(capsys).splitlines()
    assert len(lines) == 3
    assert lines[1].split("  ")[0] == "claude-opus-4-6"
    assert "2026-11-29 00:00Z" in lines[1]
    assert lines == [line.rstrip() for line in lines]


def test_nothing_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, []) == ""


def test_programs_get_documents_and_no_tables(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.table(COLUMNS, ROWS, nothing="")
    out.say("a sentence")
    out.fields([("a", 1)])
    out.line({"ä": 1})
    out.document([1])
    assert capsys.readouterr().out == '{"ä": 1}\n[\n  1\n]\n'
    people = Output(as_json=False)
    people.line({})
    people.document({})
    assert capsys.readouterr().out == ""
