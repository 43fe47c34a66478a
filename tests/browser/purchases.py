"""What several stories begin with: an order that is put together, and one that is bought. Rule: no test is in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from tests.browser.people import Json, Person
    from tests.support.stack import Stack

CALLS: Final = 10
TOKENS: Final = 100_000
"""What a day and a month of it have."""


def put_together(customer: Person, *, calls: str = str(CALLS), tokens: str = str(TOKENS)) -> None:
    """Open the page of the purchase, and choose one model with these limits."""
    customer.open("/buy")
    customer.press(f"Add {TEXT_MODEL}")
    box = customer.page.get_by_role("group", name=TEXT_MODEL)
    customer.choose("Tier", "basic", within=box)
    customer.fill("Calls a day", calls, within=box)
    customer.fill("Tokens a month", tokens, within=box)
    customer.settled()


def buy(customer: Person, *, told: str = "The subscription was bought.") -> str:
    """Put it together, and order it, of which this is told; the key that is shown."""
    put_together(customer)
    customer.press("Buy …")
    customer.confirm("Buy now")
    customer.sees(told)
    return customer.key()


def let_it_renew(customer: Person, stack: Stack) -> Json:
    """Let what was bought renew itself at its end, on the page of extensions; the subscription as it was before."""
    before = subscription_of(stack, customer.account)
    customer.open(f"/subscriptions/{before['subscriptionId']}/extend")
    customer.page.get_by_label("Renew by itself at the end").check()
    customer.settled()
    customer.press("Save …")
    customer.confirm("Save")
    return before


def orders(stack: Stack, account: str) -> list[Json]:
    """Every order of an account, as the service has them."""
    found: list[Json] = stack.api("GET", "/v1/orders", account).json["orders"]
    return found


def subscription_of(stack: Stack, account: str) -> Json:
    """The account's newest subscription, as the service has it."""
    found: Json = stack.api("GET", "/v1/subscriptions", account).json["subscriptions"][0]
    return found
