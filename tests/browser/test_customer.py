"""A customer's story in the browser, page by page: what is bought, used, changed and ended is what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from tests.browser.people import Person
    from tests.support.stack import Stack


def choose_models(customer: Person) -> None:
    """Put an order together: a model with limits."""
    customer.open("/buy")
    customer.press(f"Add {TEXT_MODEL}")
    box = customer.page.get_by_role("group", name=TEXT_MODEL)
    customer.choose("Tier", "basic", within=box)
    customer.fill("Calls a day", "10", within=box)
    customer.fill("Tokens a month", "100000", within=box)
    customer.settled()


def buy(customer: Person) -> str:
    """Buy it; the key that is shown."""
    choose_models(customer)
    customer.press("Buy …")
    customer.confirm("Buy now")
    customer.sees("The subscription was bought.")
    return customer.key()


def test_key_that_is_shown_once_is_good_for_what_was_bought(customer: Person, console_stack: Stack) -> None:
    key = buy(customer)
    assert console_stack.describe_key(key)["accountId"] == customer.account
    assert "https://router.example/v1" in customer.text()
    assert key not in customer.storage()
    customer.page.reload()
    customer.settled()
    assert key not in customer.page.content()


def test_cards_show_what_is_used_held_and_left_and_add_up(customer: Person, console_stack: Stack) -> None:
    key = buy(customer)
    settled = console_stack.authorize(key, "r-1", 4_000)
    console_stack.settle(settled["authorizationId"], 3_000)
    console_stack.authorize(key, "r-2", 2_000)
    customer.open("/")
    bars = customer.cards()[TEXT_MODEL]
    assert bars["Today"] == {"used": 2, "held": 0, "left": 8, "top-up": 0, "limit": 10}
    assert bars["This month"] == {"used": 3_000, "held": 2_000, "left": 95_000, "top-up": 0, "limit": 100_000}
