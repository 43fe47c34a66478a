"""What operators steer in the browser: what is sold and for how much, and which tiers are up. Each story has a model.

Rule: what comes of it is asked of the service, as customers and routers ask.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.people import Json, Person
    from tests.support.stack import Stack

VIDEO_MODEL: Final = "veo-3"
WHY: Final = "Ticket 4712: decided by sales"
LISTED_SECONDS: Final = 2
"""How old the catalogue may be that customers are shown."""
BINDS_SECONDS: Final = 5
"""How long a tier that was turned may take to bind."""


def within(seconds: float, ask: Callable[[], Any], wanted: object) -> Any:
    """What is answered last, asked anew until it is as wanted or the time is over."""
    ends = time.monotonic() + seconds
    while True:
        late = time.monotonic() > ends
        answer = ask()
        if answer == wanted or late:
            return answer


def catalogue(stack: Stack) -> dict[str, Json]:
    """What customers can buy, by model."""
    answer = stack.api("GET", "/v1/models", "acct_looks")
    assert answer.status == 200, answer
    return {model["modelId"]: model for model in answer.json["models"]}


def months_of(stack: Stack, model_id: str) -> Json:
    """What a month of each tier costs customers before all that is counted."""
    return {tier["channelTier"]: tier["price"]["base"] for tier in catalogue(stack)[model_id]["tiers"]}


def edit(operator: Person, model_id: str) -> None:
    operator.open(f"/operator/catalogue/{model_id}")


def enter_month(operator: Person, tier: str, amount: str) -> None:
    operator.fill("A month", amount, within=operator.page.get_by_role("group", name=f"Tier {tier}"))


def give_reason(operator: Person) -> Any:
    """Say why in the dialog that is open; the dialog."""
    dialog = operator.page.get_by_role("dialog")
    operator.fill("Reason", WHY, within=dialog)
    return dialog


def test_price_is_shown_before_and_after_and_is_that_of_customers_once_its_reason_is_given(
    operator: Person, console_stack: Stack
) -> None:
    edit(operator, TEXT_MODEL)
    enter_month(operator, "basic", "6.00")
    operator.press("Save …")
    dialog = operator.page.get_by_role("dialog")
    order = dialog.get_by_role("row").filter(has_text="basic: 100 calls a day, 1,000,000 tokens")
    assert order.get_by_role("cell").all_inner_texts() == ["US$9.00", "US$10.00", "dearer"]
    assert dialog.get_by_role("button", name="Save it").is_disabled()
    before = months_of(console_stack, TEXT_MODEL)
    assert before["basic"] == "5.00"
    give_reason(operator)
    operator.confirm("Save it")
    operator.page.get_by_role("heading", name="Catalogue", level=1).wait_for()
    after = {**before, "basic": "6.00"}
    assert within(LISTED_SECONDS, lambda: months_of(console_stack, TEXT_MODEL), after) == after
