"""Sales that go wrong on the way: what is pressed twice, lost, or changed in between is bought once or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.browser.purchases import buy, orders, put_together
from tests.support.stack import TEXT_MODEL, jwt_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.people import NewPerson, Person
    from tests.support.stack import Stack

SALES: Final = "**/v1/subscriptions"
LOST: Final = "Your order was sent, and its answer did not arrive."


def set_price(stack: Stack, base: str) -> None:
    """Let a model cost so much for itself, as an operator."""
    shown = stack.send("GET", "/v1/models", headers={"Authorization": f"Bearer {jwt_of('acct_prices')}"}).json["models"]
    (model,) = (one for one in shown if one["modelId"] == TEXT_MODEL)
    tiers = [{"channelTier": one["channelTier"], "price": {**one["price"], "base": base}} for one in model["tiers"]]
    body = {"modelId": TEXT_MODEL, "kind": model["kind"], "tiers": tiers, "confirm": True}
    headers = {"Authorization": f"Bearer {jwt_of('op_ann', 'operator')}", "Content-Type": "application/json"}
    answer = stack.send("PUT", f"/v1/models/{TEXT_MODEL}", json.dumps(body).encode(), headers)
    assert answer.status == 200, answer


def test_double_click_buys_once(customer: Person, console_stack: Stack) -> None:
    put_together(customer)
    customer.press("Buy …")
    customer.page.get_by_role("dialog").get_by_role("button", name="Buy now", exact=True).dblclick()
    customer.sees("The subscription was bought.")
    assert len(orders(console_stack, customer.account)) == 1


def losing(how: str) -> Callable[[Any], None]:
    """Loses the first sale's connection, before or after the service carried it out; later ones pass."""
    lost: list[str] = []

    def handle(route: Any) -> None:
        if route.request.method != "POST" or lost:
            route.continue_()
            return
        lost.append(how)
        if how == "after":
            route.fetch()
        route.abort("connectionreset")

    return handle


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("reloaded", [False, True], ids=["at once", "after a reload"])
def test_connection_that_is_lost_in_a_sale_buys_once(
    customer: Person,
    console_stack: Stack,
    how: str,
    reloaded: bool,  # noqa: FBT001
) -> None:
    customer.page.route(SALES, losing(how))
    put_together(customer)
    customer.press("Buy …")
    customer.press("Buy now", within=customer.page.get_by_role("dialog"))
    if reloaded:
        customer.page.get_by_role("dialog").get_by_role("button", name="Ask for the answer").wait_for()
        customer.page.reload()
        customer.settled()
        customer.sees(LOST)
        customer.press("Ask for the answer")
    else:
        customer.confirm("Ask for the answer")
    customer.sees("This was ordered already" if how == "after" else "The subscription was bought.")
    assert len(orders(console_stack, customer.account)) == 1


def test_second_tab_does_not_buy_beside_the_first(
    customer: Person, console_stack: Stack, new_person: NewPerson
) -> None:
    other = new_person()
    other.sign_in(customer.account)
    for person in (customer, other):
        put_together(person)
        person.press("Buy …")
    customer.confirm("Buy now")
    customer.sees("The subscription was bought.")
    other.press("Buy now", within=other.page.get_by_role("dialog"))
    refused = other.page.get_by_role("dialog").get_by_role("alert")
    refused.wait_for()
    assert "active_subscription_exists" in refused.text_content()
    assert len(orders(console_stack, customer.account)) == 1


def test_price_that_changed_is_shown_before_anybody_is_charged(customer: Person, console_stack: Stack) -> None:
    put_together(customer)
    total = customer.page.get_by_role("row", name="Total").get_by_role("cell").last.inner_text()
    set_price(console_stack, "9.00")
    try:
        customer.press("Buy …")
        customer.press("Buy now", within=customer.page.get_by_role("dialog"))
        dialog = customer.page.get_by_role("dialog")
        dialog.get_by_role("alert").wait_for()
        assert orders(console_stack, customer.account) == []
        customer.settled()
        fresh = dialog.get_by_role("row", name="Total").get_by_role("cell").last.inner_text()
        assert fresh != total
        customer.confirm("Buy now")
        customer.sees(f"You were charged {fresh}.")
        (order,) = orders(console_stack, customer.account)
        assert order["price"]["lines"][0]["total"] == order["price"]["total"]
    finally:
        set_price(console_stack, "5.00")


@pytest.mark.parametrize(
    ("calls", "tokens"), [("0", "100000"), ("10", "0"), ("many", "100000"), ("10", "1.5"), ("10", "1000000000000001")]
)
def test_figure_that_is_not_sold_is_told_at_its_field_and_cannot_be_ordered(
    customer: Person, calls: str, tokens: str
) -> None:
    put_together(customer, calls=calls, tokens=tokens)
    wrong = "Calls a day" if calls != "10" else "Tokens a month"
    field = customer.page.get_by_role("group", name=TEXT_MODEL).get_by_label(wrong, exact=True)
    assert field.get_attribute("aria-invalid") == "true"
    assert customer.page.get_by_role("button", name="Buy …").is_disabled()


def test_session_that_ends_in_a_form_loses_nothing_of_it(customer: Person, console_stack: Stack) -> None:
    put_together(customer, tokens="123456")
    ended = {"status": 401, "content_type": "application/json", "body": '{"message":"Unauthorized"}'}
    customer.page.route("**/v1/**", lambda route: route.fulfill(**ended))
    customer.choose("Months", "6")
    customer.sees("Your session has ended.")
    customer.page.unroute("**/v1/**")
    customer.sign_in(customer.account)
    assert customer.page.url.endswith("#/buy")
    box = customer.page.get_by_role("group", name=TEXT_MODEL)
    assert box.get_by_label("Tokens a month").input_value() == "123456"
    assert customer.page.get_by_label("Months", exact=True).input_value() == "6"
    customer.press("Buy …")
    customer.confirm("Buy now")
    (order,) = orders(console_stack, customer.account)
    assert order["price"]["months"] == 6


def test_running_subscription_is_told_before_another_is_put_together(customer: Person) -> None:
    buy(customer)
    customer.open("/")
    customer.open("/buy")
    customer.sees("You have a subscription already, and an account has one at a time.")
