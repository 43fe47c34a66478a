"""Quotes and purchases by the command line: what is charged was shown, and the key goes where it was asked to."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest

from local.machine import ROOT
from tests.support import leaks
from tests.support.command_line import INTERRUPT
from tests.support.stack import IMAGE_MODEL, TEXT_MODEL

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine


ORDER = (f"{TEXT_MODEL}=stable,50,5M", f"{IMAGE_MODEL}=basic,20,200")
KEY = re.compile(r"sk-custom-[A-Za-z0-9_-]{60}")


def test_a_quote_is_a_table_for_people_and_the_api_s_document_for_programs(customer: CommandLine) -> None:
    shown = customer.typed("quote", *ORDER, "--months", "2")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.splitlines()[-1] == "Total: 72.40 USD for 2 months"
    assert [line.split() for line in shown.out.splitlines()[:2]] == [
        ["Model", "Tier", "A", "month", "Total"],
        [TEXT_MODEL, "stable", "29.00", "58.00"],
    ]
    assert customer.typed("quote", *ORDER, "--months", "2", "--json").json["total"] == "72.40"


def test_a_purchase_shows_the_price_asks_and_shows_the_key_once_in_the_terminal(customer: CommandLine) -> None:
    ended = customer.at_terminal("buy", *ORDER, "--label", "team a", answers=(("Go on? [y/N]:", "y"),))
    assert ended.status == 0, ended.out
    assert "36.20 USD will be charged for 1 month. Go on?" in ended.out
    (key,) = KEY.findall(ended.out)
    leaks.keep("an API key", key)
    (listed,) = customer.typed("subscriptions", "find", "--json").lines
    assert (listed["status"], listed["label"], listed["price"]["total"]) == ("active", "team a", "36.20")


@pytest.mark.parametrize(("answer", "status"), [("n", 7), ("", 7), (INTERRUPT, 130)])
def test_a_purchase_that_is_not_confirmed_sends_nothing(customer: CommandLine, answer: str, status: int) -> None:
    ended = customer.at_terminal("buy", *ORDER, answers=(("Go on? [y/N]:", answer),))
    assert ended.status == status
    assert customer.typed("subscriptions", "find", "--json").out == ""


def test_a_purchase_puts_the_key_into_a_new_file_of_its_owner_alone(customer: CommandLine) -> None:
    file = customer.home / "team.key"
    assert customer.typed("buy", *ORDER, "--yes", "--key-file", str(file)).status == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = file.read_text().strip()
    assert KEY.fullmatch(key)
    leaks.keep("an API key", key)
    again = customer.typed("buy", *ORDER, "--yes", "--key-file", str(file))
    assert (again.status, "cannot be made: File exists" in again.err) == (2, True)


def test_a_purchase_whose_key_would_be_lost_is_not_begun(customer: CommandLine) -> None:
    ended = customer.typed("buy", *ORDER, "--yes")
    assert (ended.status, ended.out) == (2, "")
    assert "Use --key-file FILE, or --json." in ended.err
    assert customer.typed("subscriptions", "find", "--json").out == ""


def test_a_purchase_that_is_refused_leaves_no_file(customer: CommandLine, bought: tuple[str, str]) -> None:
    assert bought
    file = customer.home / "team.key"
    ended = customer.typed("buy", *ORDER, "--yes", "--key-file", str(file))
    assert ended.status == 6
    assert "(active_subscription_exists)" in ended.err
    assert not file.exists()


def test_secrets_are_in_no_output_of_a_process_of_its_own(operator: CommandLine, bought: tuple[str, str]) -> None:
    subscription, key = bought
    ended = operator.spawned("keys", "lookup", given=key)
    assert (ended.status, subscription in ended.out) == (0, True)
    assert operator.spawned("catalogue", "list", MODELPASS_URL="https://127.0.0.1:1").status == 5


def test_a_program_buys_once_under_its_own_key_at_the_total_it_expects(customer: CommandLine) -> None:
    words = ("buy", *ORDER, "--yes", "--json", "--idempotency-key", "order-1", "--expected-total", "36.2")
    first = customer.typed(*words, shows_secret=True)
    assert first.status == 0, first.err
    key = first.json["apiKey"]
    leaks.keep("an API key", key)
    again = customer.typed(*words)
    assert (again.status, again.json["subscriptionId"]) == (0, first.json["subscriptionId"])
    assert "apiKey" not in again.json
    assert "bought before under this key" in again.err
    other = customer.typed(*words[:-1], "1.00")
    assert (other.status, "(idempotency_key_reused)" in other.err) == (6, True)


def test_a_total_that_is_named_is_confirmed_as_well(customer: CommandLine) -> None:
    ended = customer.typed("buy", *ORDER, "--json", "--expected-total", "36.20")
    assert (ended.status, ended.out) == (2, "")
    assert "36.20 will be charged if that is what it costs. Nobody is there to confirm it." in ended.err
    assert customer.typed("subscriptions", "find", "--json").out == ""


def test_a_price_that_is_not_the_expected_one_is_refused(customer: CommandLine) -> None:
    ended = customer.typed("buy", *ORDER, "--yes", "--json", "--expected-total", "1.00")
    assert (ended.status, "(price_changed)" in ended.err) == (6, True)


def test_an_order_may_come_from_a_file_or_standard_input(customer: CommandLine) -> None:
    body = (ROOT / "events" / "purchase-body.json").read_text("utf-8")
    assert customer.typed("quote", "--file", "-", "--json", given=body).json["total"] == "36.20"
    (customer.home / "order.json").write_text(body)
    file = str(customer.home / "order.json")
    assert customer.typed("quote", "--file", file, "--months", "3", "--json").json["total"] == "108.60"
    for given, words in (("{", "is no JSON"), ("[]", "must hold an object")):
        assert words in customer.typed("quote", "--file", "-", given=given).err
    assert "cannot be read" in customer.typed("quote", "--file", "no.json").err
    assert customer.typed("quote").status == customer.typed("quote", ORDER[0], "--file", "-").status == 2
