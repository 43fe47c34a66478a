"""What every page of the console is held to: for all who see it, on a small screen, by keyboard, and at once."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.browser.people import violations
from tests.browser.purchases import buy, orders, put_together, subscription_of
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.people import NewPerson, Person
    from tests.support.stack import Stack

FIRST_VIEW_BYTES: Final = 100_000
NOWHERE: Final = "/nowhere"
WITHOUT_SIGN_IN: Final = ["/", "/key", NOWHERE]
OF_A_CUSTOMER: Final = ["/", "/buy", "/orders"]
OF_A_SUBSCRIPTION: Final = ["", "/change", "/extend", "/top-up", "/history", "/orders", "/events", "/settings"]
OF_AN_OPERATOR: Final = ["/operator", "/operator/catalogue", "/operator/tiers", "/operator/orders"]
COLOURS: Final = ["light", "dark"]
WIDER_THAN_THE_SCREEN: Final = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def looks(person: Person, axe: str, route: str) -> None:
    """Open a page on a small screen, in both colours: axe finds nothing, and nothing has to be moved sideways."""
    person.page.set_viewport_size({"width": 360, "height": 740})
    person.open(route)
    if route != NOWHERE:
        assert person.page.get_by_role("heading", name="There is no such page").count() == 0, route
    for colour in COLOURS:
        person.page.emulate_media(color_scheme=colour, reduced_motion="reduce")
        found = violations(person.page, axe)
        assert found == [], (route, colour)
    assert person.page.evaluate(WIDER_THAN_THE_SCREEN) == 0, route


@pytest.fixture
def visitor(new_person: NewPerson) -> Person:
    """Somebody who is not signed in."""
    return new_person()


@pytest.mark.parametrize("route", WITHOUT_SIGN_IN)
def test_page_without_a_sign_in_is_for_everybody(visitor: Person, axe: str, route: str) -> None:
    looks(visitor, axe, route)


def test_pages_of_a_new_customer_are_for_everybody(customer: Person, axe: str) -> None:
    for route in OF_A_CUSTOMER:
        looks(customer, axe, route)


def test_pages_of_a_subscription_are_for_everybody(customer: Person, console_stack: Stack, axe: str) -> None:
    key = buy(customer)
    assert violations(customer.page, axe) == []  # the key, and what to do with it
    console_stack.settle(console_stack.authorize(key, "r-1", 4_000)["authorizationId"], 3_000)
    console_stack.authorize(key, "r-2", 2_000)
    subscription_id = subscription_of(console_stack, customer.account)["subscriptionId"]
    for route in (*OF_A_CUSTOMER, *(f"/subscriptions/{subscription_id}{side}" for side in OF_A_SUBSCRIPTION)):
        looks(customer, axe, route)


def test_pages_of_operators_are_for_everybody(
    operator: Person, console_stack: Stack, new_account: Callable[[], str], axe: str
) -> None:
    account = new_account()
    line = {"modelId": TEXT_MODEL, "channelTier": "basic", "dailyCallLimit": 10, "monthlyTokenCap": 100_000}
    bought = console_stack.buy(account, {"models": [line], "months": 1, "timezone": "UTC"})
    console_stack.authorize(bought["apiKey"], "r-1", 4_000)
    subscription = f"/operator/subscriptions/{bought['subscriptionId']}"
    of_it = [f"{subscription}{side}" for side in ("", "/history", "/orders", "/events", "/holds")]
    for route in (*OF_AN_OPERATOR, f"/operator/accounts/{account}", *of_it):
        looks(operator, axe, route)


def test_dialog_and_refusal_are_for_everybody(customer: Person, axe: str) -> None:
    put_together(customer)
    customer.press("Buy …")
    customer.page.route("**/v1/subscriptions", lambda route: route.abort("connectionreset"))
    customer.press("Buy now", within=customer.page.get_by_role("dialog"))
    customer.page.get_by_role("dialog").get_by_role("alert").wait_for()
    for colour in COLOURS:
        customer.page.emulate_media(color_scheme=colour, reduced_motion="reduce")
        assert violations(customer.page, axe) == []


def test_page_that_the_service_does_not_answer_says_what_to_do(customer: Person, axe: str) -> None:
    customer.page.route("**/v1/**", lambda route: route.abort("internetdisconnected"))
    customer.page.reload()
    customer.settled()
    customer.page.get_by_role("alert").first.wait_for()
    assert violations(customer.page, axe) == []
    customer.page.unroute("**/v1/**")
    customer.press("Try again")
    customer.sees("You have no subscription yet.")
    customer.page.get_by_role("alert").first.wait_for(state="detached")


def reach(person: Person, role: str, name: str) -> None:
    """Go on by Tab until this has the focus."""
    wanted = person.page.get_by_role(role, name=name, exact=True).first
    wanted.wait_for()
    for _ in range(80):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        person.page.keyboard.press("Tab")
    raise AssertionError(f"{role} {name} cannot be reached by Tab")


def test_subscription_can_be_bought_by_keyboard_alone(customer: Person, console_stack: Stack) -> None:
    keyboard = customer.page.keyboard
    reach(customer, "link", "Buy")
    keyboard.press("Enter")
    customer.settled()
    reach(customer, "button", f"Add {TEXT_MODEL}")
    keyboard.press("Enter")
    reach(customer, "textbox", "Calls a day")
    keyboard.press("Control+a")
    keyboard.type("7")
    reach(customer, "textbox", "Tokens a month")
    keyboard.press("Control+a")
    keyboard.type("70000")
    customer.settled()
    customer.page.get_by_role("row", name="Total").first.wait_for()
    reach(customer, "button", "Buy …")
    keyboard.press("Enter")
    reach(customer, "button", "Buy now")
    keyboard.press("Enter")
    customer.sees("The subscription was bought.")
    (order,) = orders(console_stack, customer.account)
    assert order["status"] == "done"


def test_dialog_gives_the_focus_back_and_ends_by_escape(customer: Person, console_stack: Stack) -> None:
    put_together(customer)
    reach(customer, "button", "Buy …")
    customer.page.keyboard.press("Enter")
    customer.page.get_by_role("dialog").wait_for()
    customer.page.keyboard.press("Escape")
    customer.page.get_by_role("dialog").wait_for(state="detached")
    focused = customer.page.evaluate("() => document.activeElement.textContent")
    assert focused.startswith("Buy")
    assert orders(console_stack, customer.account) == []


def test_first_view_is_small(visitor: Person) -> None:
    """Whatever the first page loads, compressed as a server does."""
    bodies: dict[str, int] = {}

    def note(response: Any) -> None:
        bodies[response.url] = len(gzip.compress(response.body())) if response.ok else 0

    visitor.page.on("response", note)
    visitor.open("/")
    visitor.page.wait_for_load_state("networkidle")
    assert len(bodies) >= 4
    assert sum(bodies.values()) < FIRST_VIEW_BYTES, bodies


@pytest.mark.parametrize(
    ("locale", "figure"), [("en-GB", "100,000"), ("de-DE", "100.000"), ("fr-FR", "100\u202f000"), ("en-IN", "1,00,000")]
)
def test_figures_are_written_as_the_reader_writes_them(
    new_person: NewPerson, console_stack: Stack, new_account: Callable[[], str], locale: str, figure: str
) -> None:
    account = new_account()
    line = {"modelId": TEXT_MODEL, "channelTier": "basic", "dailyCallLimit": 10, "monthlyTokenCap": 100_000}
    console_stack.buy(account, {"models": [line], "months": 1, "timezone": "UTC"})
    person = new_person(locale=locale)
    person.sign_in(account)
    assert figure in person.text()


def test_instants_stand_in_the_zone_of_the_subscription_and_in_the_readers(
    new_person: NewPerson, console_stack: Stack, new_account: Callable[[], str]
) -> None:
    account = new_account()
    line = {"modelId": TEXT_MODEL, "channelTier": "basic", "dailyCallLimit": 10, "monthlyTokenCap": 1_000}
    console_stack.buy(account, {"models": [line], "months": 1, "timezone": "Asia/Tokyo"})
    person = new_person(timezone_id="America/New_York")
    person.sign_in(account)
    day = person.page.get_by_role("region", name=TEXT_MODEL).get_by_text("The day ends").inner_text()
    assert re.search(r"\b0?0:00\b|\b24:00\b", day), day  # midnight in Tokyo, and the reader's own time
    assert re.search(r"\b1[01]:00\b", day), day


def test_policy_lets_no_script_of_others_run(visitor: Person) -> None:
    visitor.open("/")
    response = visitor.page.request.get(visitor.url)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    told = visitor.page.evaluate(
        """() => new Promise(done => {
            document.addEventListener("securitypolicyviolation", event => done(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "window.stranger = 1";
            document.head.append(script);
        })"""
    )
    assert told == "script-src-elem"
    assert visitor.page.evaluate("() => window.stranger") is None
    visitor.problems.clear()  # this breach was meant


def test_tokens_are_in_session_storage_and_nowhere_else(customer: Person) -> None:
    kept = json.loads(customer.page.evaluate("() => JSON.stringify({...localStorage})"))
    assert "eyJ" not in json.dumps(kept)
    assert customer.context.cookies() == []
    assert "eyJ" in customer.storage()
    assert "eyJ" not in customer.page.content()
