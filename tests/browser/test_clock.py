"""What time does to a subscription, as its customer sees it: the stack's clock is moved, and the page asked anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.browser.purchases import CALLS, TOKENS, buy, let_it_renew, orders, subscription_of
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from tests.browser.people import Json, Person
    from tests.support.stack import Stack

DAY: Final = 86_400
USED: Final = 3_000


def used(customer: Person, stack: Stack) -> str:
    """Buy, and use one call and some tokens; the key."""
    key = buy(customer)
    stack.settle(stack.authorize(key, "r-1", USED)["authorizationId"], USED)
    return key


def seen_after(customer: Person, stack: Stack, seconds: int) -> None:
    """Let time go by, with all that happens by itself, and look at the first page."""
    stack.move_clock(advanceSeconds=seconds)
    assert stack.send("POST", "/_local/schedule/ResetFunction").status == 200
    customer.open("/buy")
    customer.open("/")


def bars(customer: Person) -> Json:
    return customer.cards()[TEXT_MODEL]


def test_day_begins_anew_and_the_month_goes_on(customer: Person, console_stack: Stack) -> None:
    used(customer, console_stack)
    seen_after(customer, console_stack, DAY)
    assert (bars(customer)["Today"]["used"], bars(customer)["Today"]["left"]) == (0, CALLS)
    assert bars(customer)["This month"]["used"] == USED


def test_term_ends_and_a_renewal_makes_a_key_that_works(customer: Person, console_stack: Stack) -> None:
    old = used(customer, console_stack)
    subscription_id = subscription_of(console_stack, customer.account)["subscriptionId"]
    seen_after(customer, console_stack, 32 * DAY)
    customer.sees("Nothing runs at the moment.")
    assert console_stack.authorize(old, "r-2")["allowed"] is False
    customer.page.get_by_role("link", name="Renew").click()
    customer.settled()
    assert customer.page.url.endswith(f"#/subscriptions/{subscription_id}/renew")
    customer.press("Renew …")
    customer.confirm("Renew now")
    customer.sees("The subscription was renewed.")
    new = customer.key()
    assert new != old
    assert console_stack.authorize(new, "r-3")["allowed"] is True
    assert console_stack.authorize(old, "r-4")["allowed"] is False
    customer.open("/")
    assert bars(customer)["This month"]["left"] == TOKENS - 10


def test_term_that_renews_itself_goes_on_with_its_key_and_is_charged_once(
    customer: Person, console_stack: Stack
) -> None:
    key = used(customer, console_stack)
    before = let_it_renew(customer, console_stack)
    seen_after(customer, console_stack, 32 * DAY)
    after = subscription_of(console_stack, customer.account)
    assert (after["status"], after["subscriptionId"]) == ("active", before["subscriptionId"])
    assert after["expiresAt"] > before["expiresAt"]
    assert console_stack.authorize(key, "r-2")["allowed"] is True
    kinds = [order["kind"] for order in orders(console_stack, customer.account)]
    assert kinds == ["renewal", "purchase"]
    assert bars(customer)["This month"]["used"] == 0


def test_change_that_waited_binds_with_the_new_month(customer: Person, console_stack: Stack) -> None:
    buy(customer)
    subscription_id = subscription_of(console_stack, customer.account)["subscriptionId"]
    customer.open(f"/subscriptions/{subscription_id}/extend")
    customer.press("Extend …")
    customer.confirm("Extend now")
    customer.open(f"/subscriptions/{subscription_id}/change")
    customer.fill("Tokens a month", "50000", within=customer.page.get_by_role("group", name=TEXT_MODEL))
    customer.settled()
    customer.press("Change …")
    customer.confirm("Change now")
    seen_after(customer, console_stack, 32 * DAY)
    assert bars(customer)["This month"]["limit"] == 50_000
    assert customer.page.get_by_text("A change is to come").count() == 0
