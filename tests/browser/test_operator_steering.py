"""What operators steer in the browser: what is sold and for how much, and which tiers are up. Each story has a model.

Rule: what comes of it is asked of the service, as customers and routers ask.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from tests.support.stack import IMAGE_MODEL, TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.people import Json, NewPerson, Person
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


def test_second_of_two_editors_is_told_and_overwrites_nothing_of_the_first(
    operator: Person, new_person: NewPerson, console_stack: Stack
) -> None:
    second = new_person()
    second.sign_in("op_bob", as_operator=True)
    for editor, tier, amount in ((operator, "basic", "3.50"), (second, "stable", "7.00")):
        edit(editor, IMAGE_MODEL)
        enter_month(editor, tier, amount)
    for editor in (operator, second):
        editor.press("Save …")
    give_reason(operator)
    operator.confirm("Save it")
    dialog = give_reason(second)
    with second.page.expect_response(lambda answer: answer.request.method == "PUT") as refused:
        second.press("Save it", within=dialog)
    assert refused.value.status == 412
    dialog.get_by_role("alert").wait_for()
    second.press("Go back", within=dialog)
    second.sees("Somebody else has changed this model since you began. Nothing of yours was saved.")
    assert second.page.get_by_role("button", name="Save …").is_disabled()
    now = {"basic": "3.50", "stable": "6.00", "enterprise": "20.00"}
    assert within(LISTED_SECONDS, lambda: months_of(console_stack, IMAGE_MODEL), now) == now
    both = second.page.get_by_role("region", name="Both versions").get_by_role("row")
    theirs, mine, *_ = both.filter(has_text="stable").get_by_role("cell").all_inner_texts()
    assert (theirs.split()[0], mine.split()[0]) == ("6.00", "7.00")


def test_model_that_is_withdrawn_is_sold_no_more_until_it_is_sold_again_as_it_was(
    operator: Person, console_stack: Stack
) -> None:
    before = catalogue(console_stack)[VIDEO_MODEL]
    edit(operator, VIDEO_MODEL)
    operator.press("Withdraw …")
    give_reason(operator)
    operator.confirm("Withdraw it")
    operator.page.get_by_role("row").filter(has_text=VIDEO_MODEL).get_by_text("withdrawn").wait_for()
    assert within(LISTED_SECONDS, lambda: VIDEO_MODEL in catalogue(console_stack), wanted=False) is False
    edit(operator, VIDEO_MODEL)
    operator.sees("This model was withdrawn.")
    operator.press("Sell it again …")
    give_reason(operator)
    operator.confirm("Save it")
    operator.page.get_by_role("row").filter(has_text=VIDEO_MODEL).get_by_text("sold", exact=True).wait_for()
    assert within(LISTED_SECONDS, lambda: catalogue(console_stack).get(VIDEO_MODEL), before) == before


def decided(stack: Stack, key: str) -> str:
    """How a new request is decided; what is granted is settled."""
    answer = stack.authorize(key, f"r-{time.monotonic_ns()}")
    if not answer["allowed"]:
        code: str = answer["error"]["code"]
        return code
    stack.settle(answer["authorizationId"], 1)
    return "granted"


def turn(operator: Person, switch: str, action: str) -> None:
    """Turn a tier by its switch, with a reason."""
    operator.page.get_by_role("switch", name=switch, exact=True).click()
    give_reason(operator)
    operator.confirm(action)


def test_tier_that_is_taken_down_refuses_requests_within_seconds_and_grants_them_again_once_it_is_up(
    operator: Person, console_stack: Stack, new_account: Callable[[], str]
) -> None:
    line = {"modelId": TEXT_MODEL, "channelTier": "enterprise", "dailyCallLimit": 1_000_000, "monthlyTokenCap": 10**9}
    key = console_stack.buy(new_account(), {"models": [line], "months": 1, "timezone": "UTC"})["apiKey"]
    assert decided(console_stack, key) == "granted"
    operator.open("/operator/tiers")
    turn(operator, f"enterprise of {TEXT_MODEL}: up", "Take it down")
    operator.sees("1 tier is down.")
    assert within(BINDS_SECONDS, lambda: decided(console_stack, key), "tier_unavailable") == "tier_unavailable"
    turn(operator, f"enterprise of {TEXT_MODEL}: down", "Bring it back")
    operator.sees("All tiers are up.")
    assert within(BINDS_SECONDS, lambda: decided(console_stack, key), "granted") == "granted"
