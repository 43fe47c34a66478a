"""Plans that another system sells. Rule: what is older than what is known changes nothing, and that is said."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from modelpass_client.cli import asking, formats
from modelpass_client.cli.api import segment
from modelpass_client.cli.options import AccountId, Reason, Yes
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

group = typer.Typer(help="Plans that another system sells, which take an account's one place.")

_PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="The id of the plan.")]
_AsOf = Annotated[
    Optional[str],  # noqa: UP045 - Python 3.10 cannot evaluate `str | None` where Typer asks for it
    typer.Option("--as-of", metavar="TIME", help="When this was so; news older than what is known changes nothing."),
]
_Expires = Annotated[str, typer.Option("--expires", metavar="TIME", help="When the plan ends; a date is 0:00 in UTC.")]


@command(group, "show", "modelpass plans show acct_demo")
def show(run: Run, account: AccountId) -> None:
    """Show the plan that holds an account's place."""
    found = run.api(Side.OPERATOR).get(_path(account)).json
    run.out.document(found)
    plan = found["planSubscription"]
    if plan is None:
        run.out.say(f"No plan holds the place of {account}.")
    else:
        run.out.fields([("Plan", plan["planId"]), ("Ends", plan["expiresAt"]), ("As of", plan["asOf"])])


@command(group, "set", "modelpass plans set acct_demo plan_team --expires 2027-01-01 --reason 'ticket 1234'")
def set_(
    run: Run, account: AccountId, plan: _PlanId, expires: _Expires, as_of: _AsOf = None, reason: Reason = None
) -> None:
    """Say that a plan is active until an instant, or move its end."""
    body = {
        "planId": plan,
        "expiresAt": formats.instant(expires, "--expires"),
        "asOf": as_of and formats.instant(as_of, "--as-of"),
    }
    api = run.api(Side.OPERATOR)
    shown = api.change("PUT", _path(account), body, reason=asking.reason(reason)).json
    run.out.document(shown)
    if shown["applied"]:
        run.out.say(f"{plan} holds the place of {account} until {shown['expiresAt']}.")
    else:
        run.out.say(f"Nothing has changed: newer news of {account} is known, as of {shown['asOf']}.")


@command(group, "end", "modelpass plans end acct_demo plan_team --reason 'ticket 1234' --yes")
def end(
    run: Run, account: AccountId, plan: _PlanId, as_of: _AsOf = None, reason: Reason = None, yes: Yes = False
) -> None:
    """Say that a plan has ended: the account's place is free again."""
    at = as_of and formats.instant(as_of, "--as-of")
    api, why = run.api(Side.OPERATOR), asking.reason(reason)
    asking.confirm(f"{plan} holds the place of {account} no longer.", yes=yes)
    path = f"{_path(account)}/{segment(plan)}"
    holder = api.change("DELETE", path, query={"asOf": at}, reason=why).headers.get("Modelpass-Held-By")
    run.out.document({"accountId": account, "planId": plan, "heldBy": holder})
    if holder == plan:
        run.out.say(f"Nothing has changed: newer news says that {plan} goes on.")
    else:
        run.out.say(f"{plan} has ended." + (f" {holder} holds the place." if holder else ""))


def _path(account: str) -> str:
    return f"/v1/accounts/{segment(account)}/plan-subscription"
