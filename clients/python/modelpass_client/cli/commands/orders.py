"""Orders: what was sold, and what waits for its payment. Rule: a confirmation names what it was confirmed by."""

from __future__ import annotations

import itertools
from typing import Annotated, Optional

import typer

from modelpass_client.cli import asking, formats, looks
from modelpass_client.cli.api import segment
from modelpass_client.cli.failures import usage
from modelpass_client.cli.options import Limit, OrderId, Reason, Yes
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

group = typer.Typer(help="List orders, and confirm or reject those that wait.")

_Text = Optional[str]  # noqa: UP045 - Python 3.10 cannot evaluate `str | None` where Typer asks for it


@command(
    group,
    "list",
    "modelpass orders list",
    "modelpass orders list --account acct_demo",
    "modelpass orders list --json | jq -r .orderId",
    "modelpass orders list --mine",
)
def list_(
    run: Run,
    account: Annotated[_Text, typer.Option("--account", help="All orders of this account.")] = None,
    subscription: Annotated[_Text, typer.Option("--subscription", help="All orders of this subscription.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="All orders of your own account, as a customer.")] = False,
    limit: Limit = None,
) -> None:
    """List the orders of all accounts that wait to be confirmed; or every order of an account or a subscription."""
    if sum((account is not None, subscription is not None, mine)) > 1:
        raise usage("Say one of --account, --subscription and --mine.")
    sides: tuple[Side, ...] = (Side.OPERATOR,)
    if account is not None:
        path = f"/v1/accounts/{segment(account)}/orders"
    elif subscription is not None:
        path = f"/v1/subscriptions/{formats.opaque(subscription, '--subscription')}/orders"
        sides = (Side.OPERATOR, Side.CUSTOMER)
    elif mine:
        path, sides = "/v1/orders", (Side.CUSTOMER,)
    else:
        path = "/v1/pending-orders"
    rows = []
    with run.out.progress("Reading orders") as tell:
        for order in itertools.islice(run.api(*sides).pages(path, "orders"), limit):
            run.out.line(order)
            rows.append(looks.order_row(order))
            tell(len(rows))
    run.out.table(looks.ORDERS, rows, nothing="There are no orders.")


@command(group, "confirm", "modelpass orders confirm ord_mfrggzdfmztwq2lknnwg23tpaaaaaaab --reference pi_3Qv7example")
def confirm(
    run: Run,
    order: OrderId,
    reference: Annotated[_Text, typer.Option("--reference", help="What confirms it, such as a payment's id.")] = None,
    reason: Reason = None,
) -> None:
    """Carry an order out that waits, for it was paid; again, nothing changes."""
    if reference is None and not asking.can_answer():
        raise usage("Say what confirms it: --reference.")
    given = typer.prompt("Reference (such as a payment's id)", err=True) if reference is None else reference
    path = f"/v1/orders/{formats.opaque(order, 'ORDER')}/confirmation"
    shown = run.api(Side.OPERATOR).change("POST", path, {"reference": given}, reason=asking.reason(reason)).json
    run.out.document(shown)
    run.out.say(f"{order} is {shown['status']}: {looks.money(shown['price'])}, {shown['kind']}.")


@command(group, "reject", "modelpass orders reject ord_mfrggzdfmztwq2lknnwg23tpaaaaaaab --reason 'nobody paid' --yes")
def reject(run: Run, order: OrderId, reason: Reason = None, yes: Yes = False) -> None:
    """Never carry an order out that waits."""
    path = f"/v1/orders/{formats.opaque(order, 'ORDER')}/rejection"
    api, why = run.api(Side.OPERATOR), asking.reason(reason)
    asking.confirm(f"{order} will never be carried out; a purchase that waits is gone with it.", yes=yes)
    shown = api.change("POST", path, {"reason": why}, reason=why).json
    run.out.document(shown)
    run.out.say(f"{order} is {shown['status']}.")
