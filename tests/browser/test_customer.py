"""A customer's story in the browser, page by page: what is bought, used, changed and ended is what stands there."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.purchases import CALLS, TOKENS, buy, let_it_renew, orders, put_together, subscription_of
from tests.support.stack import IMAGE_MODEL, TEXT_MODEL

if TYPE_CHECKING:
    from tests.browser.people import NewPerson, Person
    from tests.support.stack import Stack


def test_price_is_shown_as_the_order_is_put_together_and_is_what_is_charged(
    customer: Person, console_stack: Stack
) -> None:
    put_together(customer)
    customer.press(f"Add {IMAGE_MODEL}")
    box = customer.page.get_by_role("group", name=IMAGE_MODEL)
    customer.fill("Calls a day", "5", within=box)
    customer.fill("Generations a month", "50", within=box)
    customer.choose("Months", "3")
    customer.settled()
    customer.page.get_by_role("row", name=IMAGE_MODEL).wait_for()
    total = customer.page.get_by_role("row", name="Total").get_by_role("cell").last.inner_text()
    customer.press("Buy …")
    customer.confirm("Buy now")
    customer.sees(f"You were charged {total}.")
    (order,) = orders(console_stack, customer.account)
    digits = total.replace(",", "").removeprefix("US$")
    assert float(order["price"]["total"]) == float(digits)
    assert len(order["price"]["lines"]) == 2


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
    assert bars["Today"] == {"used": 2, "held": 0, "left": CALLS - 2, "top-up": 0, "limit": CALLS}
    assert bars["This month"] == {
        "used": 3_000,
        "held": 2_000,
        "left": TOKENS - 5_000,
        "top-up": 0,
        "limit": TOKENS,
    }
    console_stack.authorize(key, "r-3", 1_000)
    customer.press("Refresh")
    customer.settled()
    assert customer.cards()[TEXT_MODEL]["This month"]["held"] == 3_000


def test_raise_shows_before_and_after_and_binds_at_once(customer: Person, console_stack: Stack) -> None:
    key = buy(customer)
    customer.open(f"/subscriptions/{subscription_of(console_stack, customer.account)['subscriptionId']}/change")
    box = customer.page.get_by_role("group", name=TEXT_MODEL)
    customer.fill("Tokens a month", "250000", within=box)
    customer.settled()
    row = customer.page.get_by_role("table", name="Before and after").get_by_role("row", name=TEXT_MODEL)
    assert "100,000 a month" in row.inner_text()
    assert "250,000 a month" in row.inner_text()
    customer.press("Change …")
    customer.confirm("Change now")
    customer.sees("The subscription was changed.")
    (model,) = console_stack.describe_key(key)["models"]
    assert model["monthlyTokenCap"] == 250_000
    customer.open("/")
    assert customer.cards()[TEXT_MODEL]["This month"]["limit"] == 250_000


def test_fall_waits_for_the_next_month_and_is_told(customer: Person, console_stack: Stack) -> None:
    buy(customer)
    customer.open(f"/subscriptions/{subscription_of(console_stack, customer.account)['subscriptionId']}/extend")
    customer.choose("Extend by", "2")
    customer.settled()
    customer.press("Extend …")
    customer.confirm("Extend now")
    customer.sees("The term was extended.")
    customer.open(f"/subscriptions/{subscription_of(console_stack, customer.account)['subscriptionId']}/change")
    customer.fill("Tokens a month", "50000", within=customer.page.get_by_role("group", name=TEXT_MODEL))
    customer.settled()
    customer.press("Change …")
    customer.confirm("Change now")
    customer.open("/")
    customer.sees("A change is to come")
    assert customer.cards()[TEXT_MODEL]["This month"]["limit"] == TOKENS
    assert subscription_of(console_stack, customer.account)["pendingChange"]["models"][0]["monthlyTokenCap"] == 50_000


def test_top_up_is_there_for_the_next_request_and_stands_beside_the_cap(customer: Person, console_stack: Stack) -> None:
    key = buy(customer)
    customer.open(f"/subscriptions/{subscription_of(console_stack, customer.account)['subscriptionId']}/top-up")
    customer.fill("Tokens to add", "5000")
    customer.settled()
    customer.press("Top up …")
    customer.confirm("Top up now")
    customer.sees("The units were added.")
    assert console_stack.authorize(key, "r-1", TOKENS + 5_000)["allowed"]
    customer.open("/")
    month = customer.cards()[TEXT_MODEL]["This month"]
    assert month == {"used": 0, "held": TOKENS + 5_000, "left": 0, "top-up": 5_000, "limit": TOKENS}


def test_extension_and_renewal_by_itself_are_told_with_their_price(customer: Person, console_stack: Stack) -> None:
    buy(customer)
    before = let_it_renew(customer, console_stack)
    customer.choose("Extend by", "3")
    customer.settled()
    customer.press("Extend …")
    customer.confirm("Extend now")
    customer.sees("The term was extended.")
    after = subscription_of(console_stack, customer.account)
    assert after["autoRenew"] is True
    assert after["expiresAt"] > before["expiresAt"]
    assert [order["kind"] for order in orders(console_stack, customer.account)] == ["extension", "purchase"]


def test_sign_out_forgets_the_account_and_what_was_entered(customer: Person) -> None:
    put_together(customer)
    assert customer.account in customer.storage()
    customer.press("Sign out")
    customer.sees("Your subscriptions, what is left of them, and what you bought.")
    assert customer.account not in customer.storage()
    customer.open("/buy")
    customer.sees("Sign in to go on")


def test_usage_by_day_is_drawn_told_and_saved_with_the_same_figures(customer: Person, console_stack: Stack) -> None:
    key = buy(customer)
    for request, units in (("r-1", 3_000), ("r-2", 4_500)):
        console_stack.settle(console_stack.authorize(key, request, units)["authorizationId"], units)
    customer.open(f"/subscriptions/{subscription_of(console_stack, customer.account)['subscriptionId']}/history")
    customer.page.locator("canvas").first.wait_for()
    sums = customer.page.get_by_role("table", name="Sums of these days").get_by_role("row", name=TEXT_MODEL)
    assert sums.get_by_role("cell").all_inner_texts() == ["2", "7,500 tokens"]
    with customer.page.expect_download() as waiting:
        customer.press("Download as CSV")
    with Path(waiting.value.path()).open(encoding="utf-8-sig", newline="") as file:
        today = [row for row in csv.DictReader(file) if row["model"] == TEXT_MODEL][-1]
    assert (today["calls"], today["units"], today["unit"], today["day_is_over"]) == ("2", "7500", "tokens", "no")


def test_orders_and_events_tell_in_words_what_was_done(customer: Person, console_stack: Stack) -> None:
    buy(customer)
    subscription_id = subscription_of(console_stack, customer.account)["subscriptionId"]
    customer.open(f"/subscriptions/{subscription_id}/top-up")
    customer.fill("Tokens to add", "5000")
    customer.settled()
    customer.press("Top up …")
    customer.confirm("Top up now")
    customer.open("/orders")
    kinds = customer.page.get_by_role("heading", level=2).all_inner_texts()
    assert [kind.split()[0] for kind in kinds] == ["Top-up", "Purchase"]
    customer.sees("5,000 units")
    customer.open(f"/subscriptions/{subscription_id}/events")
    (trail,) = (table for table in customer.page.get_by_role("table").all())
    told = trail.get_by_role("row").all_inner_texts()[1:]
    shown = console_stack.api("GET", f"/v1/subscriptions/{subscription_id}/events", customer.account).json["events"]
    assert len(told) == len(shown)
    assert all(event["type"] in row for event, row in zip(shown, told, strict=True))
    assert "It was bought for" in told[-1]


def test_key_is_replaced_and_revoked_and_each_time_the_old_one_stops(customer: Person, console_stack: Stack) -> None:
    first = buy(customer)
    settings = f"/subscriptions/{subscription_of(console_stack, customer.account)['subscriptionId']}/settings"
    customer.open(settings)
    customer.press("Replace the key …")
    customer.confirm("Make a new key")
    customer.page.get_by_role("region", name="Your API key").wait_for()
    second = customer.key()
    assert console_stack.authorize(first, "r-1")["allowed"] is False
    assert console_stack.authorize(second, "r-2")["allowed"] is True
    customer.press("Revoke the key …")
    customer.confirm("Revoke the key")
    customer.sees("There is no key: nothing can be used until you make one.")
    assert console_stack.authorize(second, "r-3")["allowed"] is False
    customer.press("Make a key …")
    customer.confirm("Make a new key")
    customer.page.get_by_role("region", name="Your API key").wait_for()
    third = customer.key()
    assert third not in (first, second)
    assert console_stack.authorize(third, "r-4")["allowed"] is True


def test_cancellation_says_what_is_lost_and_ends_it_for_good(customer: Person, console_stack: Stack) -> None:
    key = buy(customer)
    subscription_id = subscription_of(console_stack, customer.account)["subscriptionId"]
    customer.open(f"/subscriptions/{subscription_id}/settings")
    customer.press("Cancel the subscription …")
    dialog = customer.page.get_by_role("dialog")
    dialog.get_by_text("Nothing is refunded").wait_for()
    assert dialog.get_by_role("button", name="Cancel it for good").is_disabled()
    dialog.get_by_label("I know that this cannot be undone").check()
    customer.confirm("Cancel it for good")
    assert subscription_of(console_stack, customer.account)["status"] == "cancelled"
    assert console_stack.authorize(key, "r-1")["allowed"] is False
    customer.open("/")
    customer.sees("Nothing runs at the moment.")


def test_whoever_has_a_key_alone_sees_what_is_left_and_leaves_nothing_behind(
    new_person: NewPerson, customer: Person, console_stack: Stack
) -> None:
    key = buy(customer)
    console_stack.authorize(key, "r-1", 2_000)
    holder = new_person()
    holder.open("/key")
    holder.fill("API key", key)
    holder.press("Show what is left")
    holder.page.get_by_role("region", name=TEXT_MODEL).wait_for()
    month = holder.cards()[TEXT_MODEL]["This month"]
    assert (month["held"], month["left"], month["limit"]) == (2_000, TOKENS - 2_000, TOKENS)
    assert key not in holder.storage()
    assert key not in holder.page.url
    holder.press("Forget the key")
    assert holder.page.get_by_role("region", name=TEXT_MODEL).count() == 0
    assert holder.page.get_by_label("API key").input_value() == ""
