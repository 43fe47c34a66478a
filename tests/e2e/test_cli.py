"""The command line against the running stack: what an operator and a customer type, and what comes of it."""

from __future__ import annotations

import json
import re
import shlex
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.machine import ROOT, free_port
from tests.support import leaks
from tests.support.command_line import INTERRUPT, CommandLine
from tests.support.stack import IMAGE_MODEL, TEXT_MODEL, jwt_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.stack import Stack

    NewAccount = Callable[[], str]

ORDER = (f"{TEXT_MODEL}=stable,50,5M", f"{IMAGE_MODEL}=basic,20,200")
KEY = re.compile(r"sk-custom-[A-Za-z0-9_-]{60}")


@pytest.fixture
def operator(stack: Stack, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, stack.url, jwt_of("operator", "operator"))


@pytest.fixture
def account(new_account: NewAccount) -> str:
    return new_account()


@pytest.fixture
def customer(stack: Stack, tmp_path: Path, account: str) -> CommandLine:
    return CommandLine(tmp_path, stack.url, jwt_of(account))


@pytest.fixture
def bought(stack: Stack, account: str) -> tuple[str, str]:
    """The subscription of the account, and its key."""
    made = stack.buy(account)
    return made["subscriptionId"], made["apiKey"]


# Buying


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


# Looking


def test_what_is_sold_is_listed(customer: CommandLine) -> None:
    listed = customer.typed("catalogue", "list", "--json").lines
    assert {TEXT_MODEL, IMAGE_MODEL} <= {model["modelId"] for model in listed}
    rows = [line.split() for line in customer.typed("catalogue", "list").out.splitlines()]
    assert rows[0][:4] == ["Model", "Unit", "Tier", "State"]
    assert [TEXT_MODEL, "tokens", "stable"] in [row[:3] for row in rows]


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
    assert [TEXT_MODEL, "stable", "month,", "tokens", "5,000,000", "600", "400", "4,999,000", "0"] in [
        r[:9] for r in rows
    ]
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


# Steering


def test_a_subscription_is_suspended_with_a_reason_and_goes_on(
    stack: Stack, operator: CommandLine, bought: tuple[str, str]
) -> None:
    subscription, key = bought
    words = ("subscriptions", "suspend", subscription)
    assert operator.typed(*words, "--yes").status == operator.typed(*words, "--reason", "stolen").status == 2
    assert stack.authorize(key, "r-1")["allowed"]
    answers = (("Reason (it is logged):", "the card was stolen"), ("Go on? [y/N]:", "y"))
    ended = operator.at_terminal(*words, answers=answers)
    assert (ended.status, f"{subscription} is suspended." in ended.out) == (0, True)
    assert stack.authorize(key, "r-2")["error"]["code"] == "subscription_suspended"
    shown = operator.typed("subscriptions", "show", subscription)
    assert "by operator: the card was stolen" in shown.out
    assert (
        operator.typed("subscriptions", "resume", subscription, "--reason", "ok", "--json").json["status"] == "active"
    )
    assert stack.authorize(key, "r-3")["allowed"]


def test_open_holds_are_released_as_they_are_numbered_and_by_model(
    stack: Stack, operator: CommandLine, account: str, bought: tuple[str, str]
) -> None:
    subscription, key = bought
    for number in range(3):
        stack.authorize(key, f"r-{number}", 100 + number, holdSeconds=600 + number)
    words = ("subscriptions", "release", subscription)
    which, why, sure = (
        ("Which (such as 1,3 or all):", "1,3"),
        ("Reason (it is logged):", "lost"),
        ("Go on? [y/N]:", "y"),
    )
    assert operator.at_terminal(*words, answers=(("Which (such as 1,3 or all):", "4"),)).status == 2
    ended = operator.at_terminal(*words, answers=(which, why, sure))
    assert (ended.status, "units of 2 holds go to whoever asks first" in ended.out) == (0, True)
    leaks.look_through("The terminal", ended.out)
    left = operator.typed("subscriptions", "holds", subscription, "--json", shows_secret=True).json["models"]
    assert [hold["heldUsage"] for model in left for hold in model["holds"]] == [101]
    released = operator.typed(*words, "--model", TEXT_MODEL, "--reason", "lost", "--yes")
    assert released.out == "1 hold released.\n"
    assert operator.typed(*words, "--all", "--reason", "lost", "--yes").err == "No such hold is open.\n"
    usage = {model["modelId"]: model["monthly"] for model in stack.usage(account, subscription)["models"]}
    assert (usage[TEXT_MODEL]["held"], usage[TEXT_MODEL]["used"]) == (0, 0)


def test_use_is_corrected_once_under_a_key(operator: CommandLine, bought: tuple[str, str]) -> None:
    subscription, _ = bought
    words = (
        "subscriptions",
        "correct",
        subscription,
        TEXT_MODEL,
        "--reason",
        "ticket 7",
        "--idempotency-key",
        "ticket-7",
    )
    first = operator.typed(*words, "--units", "+5k", "--json").json
    assert (first["units"], first["monthly"]["used"]) == (5000, 5000)
    again = operator.typed(*words, "--units", "5_000")
    assert "it was not done again" in again.err
    assert "5,000 of 5,000,000 used" in again.out
    assert operator.typed(*words, "--units", "1").status == 6
    assert operator.typed("subscriptions", "correct", subscription, TEXT_MODEL, "--reason", "x").status == 2
    too_much = operator.typed("subscriptions", "correct", subscription, TEXT_MODEL, "--units", "-9M", "--reason", "x")
    assert (too_much.status, "(invalid_request)" in too_much.err) == (1, True)
    given_back = operator.typed("subscriptions", "correct", subscription, TEXT_MODEL, "--calls", "1", "--reason", "x")
    assert "+0 units, +1 calls" in given_back.out


def test_a_plan_takes_the_place_and_gives_it_back(operator: CommandLine, account: str) -> None:
    words = ("plans", "set", account, "plan_team", "--expires", "2099-01-01", "--reason", "ticket 8")
    assert "until 2099-01-01T00:00:00Z" in operator.typed(*words).out
    shown = operator.typed("plans", "show", account, "--json").json["planSubscription"]
    assert (shown["planId"], shown["expiresAt"]) == ("plan_team", "2099-01-01T00:00:00Z")
    other = operator.typed("plans", "set", account, "plan_b", "--expires", "2099-01-01", "--reason", "x")
    assert (other.status, "(active_subscription_exists)" in other.err) == (6, True)
    end = ("plans", "end", account, "plan_team", "--reason", "ticket 8")
    assert operator.typed(*end).status == 2
    assert operator.typed(*end, "--yes", "--json").json == {"accountId": account, "planId": "plan_team", "heldBy": None}
    assert operator.typed("plans", "show", account).out == f"No plan holds the place of {account}.\n"
    assert operator.typed("plans", "set", account, "p", "--expires", "soon", "--reason", "x").status == 2


def test_older_news_of_a_plan_is_told_to_have_changed_nothing(
    stack: Stack, operator: CommandLine, account: str
) -> None:
    now = stack.now()
    words = ("plans", "set", account, "plan_team", "--expires", "2099-01-01", "--reason", "x", "--as-of")
    assert operator.typed(*words, now).status == 0
    assert "newer news" in operator.typed(*words, "2020-01-01").out
    end = ("plans", "end", account, "plan_team", "--reason", "x", "--yes", "--as-of")
    assert "plan_team goes on" in operator.typed(*end, "2020-01-01").out
    assert "plan_team has ended." in operator.typed(*end, now).out


# The catalogue


@pytest.fixture
def as_it_was(operator: CommandLine) -> Iterator[None]:
    """The catalogue as its file has it, and every tier up, whatever came of a test."""
    yield
    for tier in ("basic", "stable"):
        assert operator.typed("tiers", "up", IMAGE_MODEL, tier, "--reason", "the test is over").status == 0
    put = ("catalogue", "put", str(ROOT / "catalogue.json"), "--yes", "--confirm", "--reason", "the test is over")
    assert operator.typed(*put).status == 0


@pytest.mark.usefixtures("as_it_was")
def test_a_tier_goes_down_and_comes_back(operator: CommandLine) -> None:
    assert operator.typed("tiers", "down", IMAGE_MODEL, "basic").status == 2
    down = operator.typed("tiers", "down", IMAGE_MODEL, "basic", "--reason", "its upstream fails", "--json").json
    assert (down["available"], down["reason"]) == (False, "its upstream fails")
    assert operator.typed("tiers", "down", IMAGE_MODEL, "gold", "--reason", "x").status == 2
    assert operator.typed("tiers", "up", IMAGE_MODEL, "basic", "--reason", "well again").out.strip().endswith("is up.")
    assert operator.typed("tiers", "up", "no-such-model", "basic", "--reason", "x").status == 4


@pytest.mark.usefixtures("as_it_was")
def test_a_model_is_offered_changed_as_it_was_seen_and_withdrawn(operator: CommandLine, tmp_path: Path) -> None:
    price = {"currency": "USD", "base": "1.00", "perUnit": "0.01", "perDailyCall": "0.01"}
    model = {"modelId": "cli/new-model", "kind": "image", "tiers": [{"channelTier": "basic", "price": price}]}
    file = tmp_path / "model.json"

    def put(*words: str, base: str) -> tuple[int, str]:
        file.write_text(json.dumps({**model, "tiers": [{"channelTier": "basic", "price": {**price, "base": base}}]}))
        ended = operator.typed("catalogue", "put", str(file), "--reason", "ticket 9", *words)
        return ended.status, ended.err + ended.out

    assert put(base="1.00")[0] == 2, "nobody is there to confirm it"
    status, told = put("--yes", base="1.00")
    assert (status, "basic base: nothing -> 1.00" in told) == (0, True)
    assert put(base="1.00") == (0, "cli/new-model: is so already\n")
    status, told = put("--yes", base="2.00")
    assert (status, "basic base: 1.00 -> 2.00" in told) == (0, True)
    status, told = put("--yes", base="200.00")
    assert (status, "(confirmation_required)" in told) == (6, True)
    assert put("--yes", "--confirm", base="200.00")[0] == 0
    gone = ("catalogue", "withdraw", "cli/new-model", "--reason", "ticket 9")
    assert operator.typed(*gone).status == 2
    assert operator.typed(*gone, "--yes", "--json").json == {"modelId": "cli/new-model", "withdrawn": True}
    assert "cli/new-model" not in operator.typed("catalogue", "list").out
    (row,) = (r for r in operator.typed("catalogue", "list", "--withdrawn").out.splitlines() if "cli/new-model" in r)
    assert " withdrawn " in row
    assert operator.typed("catalogue", "withdraw", "never/there", "--reason", "x", "--yes").status == 4


@pytest.mark.usefixtures("as_it_was")
def test_a_large_change_of_price_is_asked_for_by_its_own_question(operator: CommandLine, tmp_path: Path) -> None:
    (model,) = (m for m in operator.typed("catalogue", "list", "--json").lines if m["modelId"] == IMAGE_MODEL)
    model["tiers"][0]["price"]["base"] = "3000.00"
    file = tmp_path / "model.json"
    file.write_text(json.dumps(model))
    words = ("catalogue", "put", str(file), "--reason", "ticket 10")
    first = ("what was sold stays. Go on? [y/N]:", "y")
    assert operator.at_terminal(*words, answers=(first, ("(confirmation_required) Go on? [y/N]:", "n"))).status == 7
    assert operator.at_terminal(*words, answers=(first, ("(confirmation_required) Go on? [y/N]:", "y"))).status == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "a model, or a list"),
        ("[1]", "must be an object with a modelId"),
        ("3", "a model, or a list"),
    ],
)
def test_a_file_that_holds_no_models_is_refused_before_anything_is_sent(
    operator: CommandLine, text: str, words: str
) -> None:
    ended = operator.typed("catalogue", "put", "-", "--reason", "x", "--yes", given=text)
    assert (ended.status, words in ended.err) == (2, True)


# Who may, and who answers


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "lookup"),
        ("subscriptions", "holds", "sub_x"),
        ("subscriptions", "find", "--account", "other"),
        ("subscriptions", "suspend", "sub_x", "--reason", "x", "--yes"),
        ("subscriptions", "resume", "sub_x", "--reason", "x"),
        ("subscriptions", "correct", "sub_x", TEXT_MODEL, "--units", "1", "--reason", "x"),
        ("orders", "list", "--account", "other"),
        ("orders", "confirm", "ord_x", "--reference", "x", "--reason", "x"),
        ("orders", "reject", "ord_x", "--reason", "x", "--yes"),
        ("plans", "show", "a"),
        ("plans", "set", "a", "p", "--expires", "2099-01-01", "--reason", "x"),
        ("plans", "end", "a", "p", "--reason", "x", "--yes"),
        ("tiers", "down", TEXT_MODEL, "stable", "--reason", "x"),
        ("tiers", "up", TEXT_MODEL, "stable", "--reason", "x"),
        ("catalogue", "withdraw", TEXT_MODEL, "--reason", "x", "--yes"),
        ("catalogue", "put", str(ROOT / "catalogue.json"), "--reason", "x", "--yes"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_operators_commands_are_refused_to_customers(customer: CommandLine, words: tuple[str, ...]) -> None:
    ended = customer.typed(*words, given="sk-custom-x\n")
    assert (ended.status, ended.out) == (3, "")
    assert "This is for operators" in ended.err


def test_what_is_not_there_and_who_is_not_signed_in_are_told_apart(
    stack: Stack, operator: CommandLine, tmp_path: Path
) -> None:
    assert operator.typed("subscriptions", "show", "sub_mfrggzdfmztwq2lknnwg23tp").status == 4
    assert operator.typed("subscriptions", "show", "not/an/id").status == 2
    nobody = CommandLine(tmp_path, stack.url)
    ended = nobody.typed("catalogue", "list")
    assert (ended.status, "Nobody is signed in" in ended.err) == (3, True)
    stale = CommandLine(tmp_path, stack.url, "e30.e30.x")
    ended = stale.typed("catalogue", "list")
    assert (ended.status, "The token is not accepted" in ended.err) == (3, True)
    away = CommandLine(tmp_path, f"http://127.0.0.1:{free_port()}", operator.token)
    ended = away.typed("catalogue", "list")
    assert (ended.status, "does not answer: Connection refused" in ended.err) == (5, True)
    assert operator.typed("catalogue", "list", "--no-such").status == 2
    assert operator.typed("no-such").status == 2


def test_an_audit_of_the_running_stack_ends_with_its_own_status(operator: CommandLine) -> None:
    ended = operator.typed("audit", "--json", MODELPASS_CLONE=str(ROOT))
    assert ended.status == 0, ended.err
    assert ended.json["tool"] == "audit"
    assert "Breaches: 0." in ended.json["printed"][-1]
    assert "Breaches: 0." in operator.typed("audit", MODELPASS_CLONE=str(ROOT)).out


def test_words_are_completed(operator: CommandLine) -> None:
    def completed(text: str) -> list[str]:
        at = str(text.count(" "))
        return operator.spawned(_MODELPASS_COMPLETE="complete_bash", COMP_WORDS=text, COMP_CWORD=at).out.split()

    assert completed("modelpass sub") == ["subscriptions"]
    assert completed("modelpass tiers ") == ["down", "up"]
    assert completed("modelpass tiers down m s") == ["stable"]
    shown = subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -m modelpass_client.cli --show-completion; true"],
        env=operator.environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_MODELPASS_COMPLETE=complete_bash" in shown.stdout
