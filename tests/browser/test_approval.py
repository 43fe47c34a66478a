"""Sales that wait for their confirmation, as customers see them: nothing works before it, and everything after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.browser.purchases import buy, orders, subscription_of
from tests.support.stack import jwt_of

if TYPE_CHECKING:
    from tests.browser.people import Person
    from tests.support.stack import Stack

WHY: Final = "Ticket 4713: the transfer was looked at"


@pytest.fixture(scope="module")
def console_parameters() -> str:
    return "SaleApproval=required"


def order_one(customer: Person) -> str:
    """Order a subscription, which waits; the key that is shown."""
    return buy(customer, told="Purchase: waits for its confirmation.")


def end_of(operator: Person, account: str, end: str) -> Any:
    """Open the orders that wait, and press what ends that of an account; the dialog, in which the reason is given."""
    operator.open("/operator/orders")
    operator.press(f"{end} the order of {account}")
    dialog = operator.page.get_by_role("dialog")
    operator.fill("Reason", WHY, within=dialog)
    return dialog


def confirm_as_operator(stack: Stack, order_id: str) -> None:
    headers = {"Authorization": f"Bearer {jwt_of('op_ann', 'operator')}", "Content-Type": "application/json"}
    assert stack.send("POST", f"/v1/orders/{order_id}/confirmation", b'{"reference": "pay_1"}', headers).status == 200


def test_key_of_an_order_that_waits_works_once_it_is_confirmed(customer: Person, console_stack: Stack) -> None:
    key = order_one(customer)
    assert console_stack.authorize(key, "r-1")["allowed"] is False
    customer.open("/")
    customer.sees("This purchase waits for its confirmation.")
    (order,) = orders(console_stack, customer.account)
    confirm_as_operator(console_stack, order["orderId"])
    customer.page.reload()
    customer.settled()
    assert customer.page.get_by_text("waits for its confirmation").count() == 0
    assert console_stack.authorize(key, "r-2")["allowed"] is True


def test_order_that_is_withdrawn_is_never_carried_out_and_leaves_room_for_another(
    customer: Person, console_stack: Stack
) -> None:
    key = order_one(customer)
    customer.open("/")
    customer.press("Withdraw the order")
    customer.confirm("Withdraw it")
    (order,) = orders(console_stack, customer.account)
    assert order["status"] == "withdrawn"
    assert console_stack.authorize(key, "r-1")["allowed"] is False
    order_one(customer)
    assert subscription_of(console_stack, customer.account)["status"] == "pending"


def test_reload_of_an_order_that_waits_orders_nothing_again(customer: Person, console_stack: Stack) -> None:
    order_one(customer)
    customer.page.reload()
    customer.settled()
    assert len(orders(console_stack, customer.account)) == 1


def test_order_that_an_operator_confirms_with_a_reference_is_done_and_its_key_works(
    customer: Person, operator: Person, console_stack: Stack
) -> None:
    key = order_one(customer)
    dialog = end_of(operator, customer.account, "Confirm")
    assert dialog.get_by_role("button", name="Confirm it").is_disabled()
    assert console_stack.authorize(key, "r-1")["allowed"] is False
    operator.fill("Reference", "pay_4713", within=dialog)
    operator.confirm("Confirm it")
    operator.page.get_by_role("button", name=f"Confirm the order of {customer.account}").wait_for(state="detached")
    (order,) = orders(console_stack, customer.account)
    assert order["status"] == "done"
    assert console_stack.authorize(key, "r-2")["allowed"] is True


def test_what_can_be_done_with_an_order_stays_in_sight_on_a_small_screen(customer: Person, operator: Person) -> None:
    order_one(customer)
    operator.page.set_viewport_size({"width": 360, "height": 740})
    operator.open("/operator/orders")
    for end in ("Confirm", "Reject"):
        button = operator.page.get_by_role("button", name=f"{end} the order of {customer.account}")
        button.wait_for()
        at = button.bounding_box()
        assert 0 <= at["x"] <= 360 - at["width"]


def test_order_that_an_operator_rejects_tells_its_customer_so_and_its_key_never_works(
    customer: Person, operator: Person, console_stack: Stack
) -> None:
    key = order_one(customer)
    end_of(operator, customer.account, "Reject")
    operator.confirm("Reject it")
    operator.page.get_by_role("button", name=f"Reject the order of {customer.account}").wait_for(state="detached")
    (order,) = orders(console_stack, customer.account)
    assert order["status"] == "rejected"
    assert console_stack.authorize(key, "r-1")["allowed"] is False
    customer.open("/orders")
    customer.page.get_by_text("rejected", exact=True).wait_for()
    customer.sees(WHY)
