"""Looking by the command line: tables for people, the API's own documents for programs, within the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.stack import IMAGE_MODEL, TEXT_MODEL

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.stack import Stack


def test_what_is_sold_is_listed(customer: CommandLine) -> None:
    listed = customer.typed("catalogue", "list", "--json").lines
    assert {TEXT_MODEL, IMAGE_MODEL} <= {model["modelId"] for model in listed}
    rows = [line.split() for line in customer.typed("catalogue", "list").out.splitlines()]
    assert rows[0][:4] == ["Model", "Kind", "Tier", "Base"]
    assert [TEXT_MODEL, "text", "stable"] in [row[:3] for row in rows]


def test_a_subscription_is_found_by_account_by_key_and_as_ones_own(
    operator: CommandLine, customer: CommandLine, account: str, bought: tuple[str, str]
) -> None:
    subscription, key = bought
    own = customer.typed("subscriptions", "find", "--json").lines
    by_account = operator.typed("subscriptions", "find", "--account", account, "--json").lines
    by_key = operator.typed("subscriptions", "find", "--key", "--json", given=f"{key}\n").lines
    assert [len(found) for found in (own, by_account, by_key)] == [1, 1, 1]
    assert {found[0]["subscriptionId"] for found in (own, by_account, by_key)} == {subscription}
    at_terminal = operator.at_terminal(
        "subscriptions", "find", "--key", answers=(("API key (it is not shown): ", key),)
    )
    assert subscription in at_terminal.out
    assert key not in at_terminal.out
    assert operator.typed("subscriptions", "find", "--key", "--account", "a").status == 2


def test_a_key_that_somebody_sends_in_is_looked_up_without_being_shown(
    operator: CommandLine, account: str, bought: tuple[str, str]
) -> None:
    subscription, key = bought
    found = operator.typed("keys", "lookup", "--json", given=key).json
    assert (found["subscriptionId"], found["accountId"], found["current"]) == (subscription, account, True)
    assert "good now" in operator.typed("keys", "lookup", given=key).out
    ended = operator.typed("keys", "lookup", given=f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}\n")
    assert (ended.status, "This is no key of this service." in ended.err) == (4, True)
    assert operator.typed("keys", "lookup").status == 2


def test_a_subscription_is_shown_with_what_is_used_left_and_held(
    stack: Stack, operator: CommandLine, customer: CommandLine, account: str, bought: tuple[str, str]
) -> None:
    subscription, key = bought
    stack.settle(stack.authorize(key, "r-1", 1000)["authorizationId"], 600)
    stack.authorize(key, "r-2", 400)
    for person in (operator, customer):
        assert person.typed("subscriptions", "show", subscription, "--json").json["subscriptionId"] == subscription
        usage = person.typed("subscriptions", "usage", subscription, "--json").json
        assert usage == stack.usage(account, subscription)
    shown = operator.typed("subscriptions", "show", subscription).out
    assert re.search(rf"^Account +{account}$", shown, re.MULTILINE)
    rows = [line.split() for line in customer.typed("subscriptions", "usage", subscription).out.splitlines()]
    figures = [TEXT_MODEL, "month:", "tokens", "5,000,000", "600", "400", "4,999,000"]
    assert figures in [row[:7] for row in rows]
    days = customer.typed("subscriptions", "history", subscription, "--json").lines
    assert (days[0]["calls"], days[0]["units"]) == (2, 600)
    total = customer.typed("subscriptions", "history", subscription).out.splitlines()[-1].split()
    assert total == ["all", "2", "600"]
    holds = operator.typed("subscriptions", "holds", subscription, "--json", shows_secret=True).json
    assert [hold["heldUsage"] for model in holds["models"] for hold in model["holds"]] == [400]
    assert " 400 " in operator.typed("subscriptions", "holds", subscription).out, "and no id of an authorization"
    newest, *_ = operator.typed("subscriptions", "events", subscription, "--limit", "1", "--json").lines
    assert newest["type"]
    assert "subscription.purchased" in operator.typed("subscriptions", "events", subscription).out


def test_days_are_read_page_by_page_and_only_as_dates(
    stack: Stack, customer: CommandLine, bought: tuple[str, str]
) -> None:
    subscription, _ = bought
    today = stack.now()[:10]
    words = ("subscriptions", "history", subscription, "--from", today, "--to", today, "--json")
    assert {day["date"] for day in customer.typed(*words).lines} == {today}
    ended = customer.typed("subscriptions", "history", subscription, "--from", "yesterday")
    assert (ended.status, "--from must be a date" in ended.err) == (2, True)


def test_at_a_terminal_tables_keep_within_its_width_and_colours_go_by_the_person(customer: CommandLine) -> None:
    shown = customer.at_terminal("catalogue", "list")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.out)
    assert "\x1b[1m" in shown.out
    assert max(map(len, plain.splitlines())) <= 100
    assert "\x1b[3" not in customer.at_terminal("catalogue", "list", NO_COLOR="1").out
    assert "\x1b" not in customer.typed("catalogue", "list").out
