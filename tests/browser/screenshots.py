"""`make screenshots`: draws the main views of the console anew, into docs/images. Rule: of a stack of its own, which it
fills by the doors of customers and routers alone.

What is bought and used is the same each time, at the same instants, so that a picture changes only with its page. Exit
status: 0 when every view was drawn, 1 when there is no browser.
"""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from local.machine import ROOT
from tests.browser.conftest import chromium, why_not
from tests.browser.people import Person
from tests.support import stack as support
from tests.support.stack import IMAGE_MODEL, TEXT_MODEL

if TYPE_CHECKING:
    from tests.support.stack import Stack

IMAGES: Final = ROOT / "docs" / "images"
BEGINS: Final = "2026-03-02T09:00:00Z"
DAY: Final = 86_400
CUSTOMER: Final = "acct_demo"
OPERATOR: Final = "op_ann"


class View(NamedTuple):
    """One picture: whose page, in which colours, on how large a screen."""

    name: str
    route: str
    as_operator: bool = False
    colour: str = "light"
    width: int = 1180
    height: int = 820


VIEWS: Final = (
    View("console-overview", "/"),
    View("console-usage", "/subscriptions/{0}/history", colour="dark"),
    View("console-operator", "/operator/subscriptions/{0}", as_operator=True),
    View("console-small", "/", width=390),
)


def main() -> int:
    """Draw every view, and give the exit status."""
    reason = why_not()
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
        return 1
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where it is set up

    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        support.running(DATA=data) as stack,
        sync_playwright() as playwright,
    ):
        subscription_id = fill(stack)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for view in VIEWS:
            draw(browser, stack.url, view, subscription_id)
        browser.close()
    return 0


def fill(stack: Stack) -> str:
    """Buy a subscription and use it for ten days; its id."""
    stack.move_clock(now=BEGINS)
    models = [
        {"modelId": TEXT_MODEL, "channelTier": "stable", "dailyCallLimit": 400, "monthlyTokenCap": 3_000_000},
        {"modelId": IMAGE_MODEL, "channelTier": "basic", "dailyCallLimit": 60, "monthlyTokenCap": 500},
    ]
    bought = stack.buy(CUSTOMER, {"models": models, "months": 3, "timezone": "Europe/Berlin", "label": "Our assistant"})
    for day in range(10):
        calls = 4 + day * 7 % 11
        for call in range(calls):
            units = 9_000 + (day * 31 + call * 17) % 13 * 1_400
            granted = stack.authorize(bought["apiKey"], f"text-{day}-{call}", units)
            stack.settle(granted["authorizationId"], units - 800)
            if call % 3 == 0:
                granted = stack.authorize(bought["apiKey"], f"image-{day}-{call}", 6, modelId=IMAGE_MODEL)
                stack.settle(granted["authorizationId"], 6)
        if day < 9:
            stack.move_clock(advanceSeconds=DAY)
            stack.send("POST", "/_local/schedule/ResetFunction")
    stack.authorize(bought["apiKey"], "open", 60_000)
    subscription_id: str = bought["subscriptionId"]
    return subscription_id


def draw(browser: Any, url: str, view: View, subscription_id: str) -> None:
    """Draw one view into its file."""
    person = Person(
        browser.new_context(
            locale="en-GB",
            timezone_id="Europe/Berlin",
            color_scheme=view.colour,
            viewport={"width": view.width, "height": view.height},
        ),
        url,
    )
    person.sign_in(OPERATOR if view.as_operator else CUSTOMER, as_operator=view.as_operator)
    person.open(view.route.format(subscription_id))
    person.page.screenshot(path=IMAGES / f"{view.name}.png")
    sys.stdout.write(f"docs/images/{view.name}.png\n")
    person.context.close()


if __name__ == "__main__":
    sys.exit(main())
