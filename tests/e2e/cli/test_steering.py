"""What operators change by the command line binds on the running stack, with a reason, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import leaks
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine
    from tests.support.stack import Stack


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
