"""Every code that the service may refuse by has words of its own, and an exit status that says what happened."""

from __future__ import annotations

import re

import pytest

from local.machine import ROOT
from modelpass_client.cli import refusals
from modelpass_client.cli.exits import MEANINGS, Exit

ROWS = re.findall(r"^\| `(\w+)` \| (\d+) \|", (ROOT / "docs" / "errors.md").read_text("utf-8"), re.MULTILINE)
OTHER_THAN_ITS_STATUS = {"too_many_purchases", "too_many_new_keys", "monthly_cap_reached", "daily_call_limit_reached"}
"""Refused by a rule, though by 429: to come back in a moment does not help."""


def test_every_code_of_the_page_has_words_and_no_other() -> None:
    assert [code for code, _ in ROWS] == list(refusals.SERVICE)


@pytest.mark.parametrize(("code", "status"), ROWS)
def test_the_exit_status_follows_from_what_happened(code: str, status: str) -> None:
    by_status = {
        "400": Exit.REFUSED,
        "401": Exit.NOT_ALLOWED,
        "403": Exit.REFUSED,
        "404": Exit.NOT_FOUND,
        "409": Exit.CONFLICT,
        "412": Exit.CONFLICT,
        "422": Exit.CONFLICT,
        "429": Exit.REFUSED if code in OTHER_THAN_ITS_STATUS else Exit.UNREACHABLE,
        "500": Exit.UNREACHABLE,
        "503": Exit.UNREACHABLE,
    }
    wanted = Exit.NOT_ALLOWED if code == "forbidden" else by_status[status]
    assert refusals.SERVICE[code].exit_status is wanted


def test_words_are_sentences_and_every_status_has_a_meaning() -> None:
    for words in (*refusals.SERVICE.values(), *refusals.GATEWAY.values()):
        assert words.what.endswith(".")
        assert not words.todo or words.todo.endswith(".")
    assert set(MEANINGS) == set(Exit)


def test_the_message_of_the_service_follows_with_its_code_place_and_time() -> None:
    error = {"code": "price_changed", "message": "It costs 99.00 USD now.", "param": "expectedTotal", "type": "x"}
    refusal = refusals.refusal_of(409, {"error": error}, "5")
    assert refusal.what == "It costs another total by now. expectedTotal: It costs 99.00 USD now. (price_changed)"
    assert refusal.todo.endswith("It may be tried again in 5 s.")
    assert (refusal.code, refusal.status, refusal.exit_status) == ("price_changed", 409, Exit.CONFLICT)


@pytest.mark.parametrize(
    ("status", "exit_status", "code"),
    [
        (401, Exit.NOT_ALLOWED, "signed_out"),
        (403, Exit.NOT_ALLOWED, "not_allowed"),
        (404, Exit.NOT_FOUND, "no_such_call"),
        (413, Exit.REFUSED, "too_large"),
        (429, Exit.UNREACHABLE, "throttled"),
        (500, Exit.UNREACHABLE, "unavailable"),
        (503, Exit.UNREACHABLE, "unavailable"),
        (418, Exit.REFUSED, "unknown"),
        (599, Exit.UNREACHABLE, "unavailable"),
    ],
)
@pytest.mark.parametrize("body", [{"message": "Unauthorized"}, None, "text", {"error": "text"}, {"error": {"code": 1}}])
def test_what_the_gateway_answers_by_itself_is_known_by_its_status(
    status: int, exit_status: Exit, code: str, body: object
) -> None:
    refusal = refusals.refusal_of(status, body, None)
    assert (refusal.exit_status, refusal.code) == (exit_status, code)


def test_a_code_of_a_later_release_is_refused_with_its_message() -> None:
    refusal = refusals.refusal_of(400, {"error": {"code": "new_rule", "message": "Not on Sundays."}}, None)
    assert refusal.exit_status is Exit.REFUSED
    assert "Not on Sundays. (new_rule)" in refusal.what
