"""Rules of orders that wait: they are confirmed, rejected or withdrawn, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from modelpass.subscriptions import answers
from modelpass.subscriptions.commands import order_ends
from modelpass.subscriptions.commands.confirm import confirm
from tests.support import sales
from tests.support.machine import ANY, Machine, refusable
from tests.support.machine_sales import FAULTS

if TYPE_CHECKING:
    from modelpass.subscriptions.commands import waiting_orders
    from tests.support.ledger_sales import Order
    from tests.support.machine import Fault, Json


class ApprovalRules(Machine):
    """What the billing system tells of orders, and customers who think better of them."""

    def some_order(self, which: int) -> Order:
        """Mostly one of the newest."""
        known = [order for order in self.orders if order.id]
        return known[-1 - which % min(len(known), 1 + which % 5)]

    @precondition(lambda self: self.approval and any(order.id for order in self.orders))
    @rule(which=ANY, reference=st.sampled_from(("r1", "r2")), fault=FAULTS)
    def confirm(self, which: int, reference: str, fault: Fault) -> None:
        """Confirm an order, which may wait or have ended."""
        order = self.some_order(which)
        bought = next(b for b in self.bought if b.id == order.subscription_id)
        status = order.status(self.now_ms)
        world = self.newest_faulty(fault)
        answer = refusable(lambda: self.shown(confirm(world.deps, order.id, reference)))
        if status not in {"pending", "done"}:
            assert answer == "order_lapsed"
            return
        if status == "pending":
            if order.kind == "renewal" and bought.suspended:
                assert answer == "subscription_suspended"
                return
            assert order.carry_out is not None
            order.carry_out()
            order.ended_as, order.reference = "done", reference
            self.events["order.confirmed"] += 1
        assert isinstance(answer, dict)
        assert (answer["status"], answer["reference"]) == ("done", order.reference)

    confirm_often = confirm_most = confirm

    @precondition(lambda self: self.approval and any(order.id for order in self.orders))
    @rule(which=ANY, fault=FAULTS)
    def reject(self, which: int, fault: Fault) -> None:
        """Reject an order."""
        order, world = self.some_order(which), self.newest_faulty(fault)
        self.end(order, "rejected", refusable(lambda: self.shown(order_ends.reject(world.deps, order.id, "no"))))

    @precondition(lambda self: self.approval and any(order.id for order in self.orders))
    @rule(which=ANY, stranger=st.sampled_from((False, False, True)), fault=FAULTS)
    def withdraw_order(self, which: int, stranger: bool, fault: Fault) -> None:  # noqa: FBT001
        """Withdraw an order, or try to withdraw another account's."""
        order, world = self.some_order(which), self.newest_faulty(fault)
        account = "stranger" if stranger else order.account
        answer = refusable(lambda: self.shown(order_ends.withdraw(world.deps, account, order.id)))
        if stranger:
            assert answer == "not_found"
        else:
            self.end(order, "withdrawn", answer)

    def end(self, order: Order, how: str, answer: Json | str) -> None:
        """An order ends once."""
        status = order.status(self.now_ms)
        if status == "done":
            assert answer == "order_confirmed"
        elif status in {"pending", how}:
            assert isinstance(answer, dict)
            assert answer["status"] == how
            self.events[f"order.{how}"] += status == "pending"
            order.ended_as = how
        else:
            assert answer == "order_lapsed"

    @precondition(lambda self: any(order.id for order in self.orders))
    @rule(which=ANY)
    def look_at_order(self, which: int) -> None:
        """See an order as its customer does."""
        order = self.some_order(which)
        answer = sales.order(self.world, order.id, order.account)
        shown = (answer["status"], answer["kind"], answer["reference"], answer["subscriptionId"])
        assert shown == (order.status(self.now_ms), order.kind, order.reference, order.subscription_id)

    @staticmethod
    def shown(ended: waiting_orders.Ended) -> Json:
        """An order as operators see it."""
        return answers.order(ended.order, ended.now_ms)
