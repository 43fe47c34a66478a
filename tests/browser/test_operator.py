"""An operator's day in the browser: finds whom it is about, helps, and whatever is done has its reason in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.people import Json, NewPerson, Person
    from tests.support.stack import Stack

LINE: Final = {"modelId": TEXT_MODEL, "channelTier": "basic", "dailyCallLimit": 10, "monthlyTokenCap": 100_000}
WHY: Final = "Ticket 4711: asked for by the customer"


@pytest.fixture
def sold(console_stack: Stack, new_account: Callable[[], str]) -> Json:
    """A subscription that somebody has bought; with its account, and the key."""
    account = new_account()
    return {"account": account, **console_stack.buy(account, {"models": [LINE], "months": 1, "timezone": "UTC"})}


def act(operator: Person, button: str, action: str) -> None:
    """Press a button, say why, and do it."""
    operator.press(button)
    operator.fill("Reason", WHY, within=operator.page.get_by_role("dialog"))
    operator.confirm(action)


def shown(stack: Stack, sold: Json) -> Json:
    """The subscription as its customer sees it."""
    found: Json = stack.api("GET", f"/v1/subscriptions/{sold['subscriptionId']}", sold["account"]).json
    return found


def at(operator: Person, sold: Json, side: str = "") -> None:
    operator.open(f"/operator/subscriptions/{sold['subscriptionId']}{side}")


def test_subscription_is_found_by_account_by_its_id_and_by_its_key(operator: Person, sold: Json) -> None:
    operator.open("/operator")
    operator.fill("Account", sold["account"])
    operator.press("Open", within=operator.page.get_by_role("region", name="By account"))
    operator.settled()
    operator.page.get_by_role("heading", name=f"Account {sold['account']}").wait_for()
    operator.open("/operator")
    operator.fill("Id of the subscription", sold["subscriptionId"])
    operator.press("Open", within=operator.page.get_by_role("region", name="By subscription"))
    operator.settled()
    operator.sees(sold["account"])
    operator.open("/operator")
    operator.fill("API key", sold["apiKey"])
    operator.press("Look up")
    operator.page.get_by_role("link", name=sold["subscriptionId"]).wait_for()
    assert sold["apiKey"] not in operator.storage()
    assert sold["apiKey"] not in operator.page.content()


def test_suspension_binds_the_very_next_request_and_is_taken_back(
    operator: Person, console_stack: Stack, sold: Json
) -> None:
    at(operator, sold)
    act(operator, "Suspend", "Suspend it")
    operator.sees("Suspended by op_ann")
    operator.sees(WHY)
    assert console_stack.authorize(sold["apiKey"], "r-1")["allowed"] is False
    assert shown(console_stack, sold)["status"] == "suspended"
    act(operator, "Resume", "Let it go on")
    operator.page.get_by_role("button", name="Suspend").wait_for()
    assert console_stack.authorize(sold["apiKey"], "r-2")["allowed"] is True


def test_nothing_is_done_without_a_reason(operator: Person, console_stack: Stack, sold: Json) -> None:
    at(operator, sold)
    operator.press("Suspend")
    dialog = operator.page.get_by_role("dialog")
    assert dialog.get_by_role("button", name="Suspend it").is_disabled()
    operator.fill("Reason", "   ", within=dialog)
    assert dialog.get_by_role("button", name="Suspend it").is_disabled()
    operator.press("Go back", within=dialog)
    assert shown(console_stack, sold)["status"] == "active"


def test_correction_counts_at_once_and_is_told_with_before_and_after(
    operator: Person, console_stack: Stack, sold: Json
) -> None:
    granted = console_stack.authorize(sold["apiKey"], "r-1", 4_000)
    console_stack.settle(granted["authorizationId"], 4_000)
    at(operator, sold)
    operator.press("Correct usage")
    operator.fill("Units", "-1500", within=operator.page.get_by_role("dialog"))
    operator.fill("Reason", WHY, within=operator.page.get_by_role("dialog"))
    operator.confirm("Book the correction")
    operator.page.get_by_role("region", name="The correction").wait_for()
    assert operator.cards()[TEXT_MODEL]["This month"]["used"] == 2_500
    (model,) = console_stack.usage(sold["account"], sold["subscriptionId"])["models"]
    assert model["monthly"]["used"] == 2_500


def test_hold_that_is_released_gives_its_units_back(operator: Person, console_stack: Stack, sold: Json) -> None:
    console_stack.authorize(sold["apiKey"], "r-1", 4_000)
    at(operator, sold, "/holds")
    act(operator, "Release the hold of 4,000 tokens", "Release 1 hold")
    (model,) = console_stack.usage(sold["account"], sold["subscriptionId"])["models"]
    assert (model["monthly"]["held"], model["monthly"]["remaining"]) == (0, 100_000)


def test_plan_of_another_system_holds_the_place_until_it_is_ended(
    operator: Person, console_stack: Stack, new_account: Callable[[], str]
) -> None:
    account = new_account()
    operator.open(f"/operator/accounts/{account}")
    operator.press("Put a plan")
    dialog = operator.page.get_by_role("dialog")
    operator.fill("Plan", "pro-2026", within=dialog)
    operator.fill("Ends", "2031-01-01T12:00", within=dialog)
    operator.fill("Reason", WHY, within=dialog)
    operator.confirm("Put the plan")
    body = {"models": [LINE], "months": 1, "timezone": "UTC"}
    assert console_stack.api("POST", "/v1/subscriptions", account, body).status == 409
    act(operator, "End the plan", "End the plan")
    operator.sees("No plan holds the account's place.")
    assert console_stack.api("POST", "/v1/subscriptions", account, body).status == 201


def test_operator_sees_what_the_customer_sees(operator: Person, new_person: NewPerson, sold: Json) -> None:
    at(operator, sold)
    customer = new_person()
    customer.sign_in(sold["account"])
    assert operator.cards() == customer.cards()
    for side in ("/history", "/orders", "/events"):
        at(operator, sold, side)
        assert operator.page.get_by_role("alert").count() == 0


def test_customer_is_shown_no_page_of_operators(new_person: NewPerson, new_account: Callable[[], str]) -> None:
    customer = new_person()
    customer.sign_in(new_account())
    customer.open("/operator")
    assert customer.page.get_by_role("button", name="Look up").count() == 0
    customer.page.get_by_role("button", name="Sign in as an operator").first.wait_for()
