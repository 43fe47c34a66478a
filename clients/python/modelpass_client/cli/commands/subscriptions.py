"""Looking at subscriptions. Rule: an operator sees those of any account, a customer his own, and nothing is changed."""

from __future__ import annotations

import itertools
import json
from typing import Annotated, Any, Final, Optional

import typer

from modelpass_client.cli import formats, looks
from modelpass_client.cli.api import segment
from modelpass_client.cli.commands import keys
from modelpass_client.cli.failures import usage
from modelpass_client.cli.options import Limit, SubscriptionId
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

group = typer.Typer(help="Find subscriptions, look at them, and steer them as an operator.")

_ANY: Final = (Side.OPERATOR, Side.CUSTOMER)
_HISTORY_PAGE: Final = 1000
_Day = Optional[str]  # noqa: UP045 - Python 3.10 cannot evaluate `str | None` where Typer asks for it


@command(
    group,
    "find",
    "modelpass subscriptions find --account acct_demo",
    "modelpass subscriptions find --key",
    "modelpass subscriptions find --key --json < key.txt | jq -r .subscriptionId",
)
def find(
    run: Run,
    account: Annotated[Optional[str], typer.Option("--account", help="Those of this account.")] = None,  # noqa: UP045
    key: Annotated[bool, typer.Option("--key", help="The one of an API key, which is asked for, or piped in.")] = False,
    limit: Limit = None,
) -> None:
    """Find subscriptions by account or by API key, newest first; without either, those of your own account."""
    if key and account is not None:
        raise usage("Find by --account or by --key, not by both.")
    if key:
        api = run.api(Side.OPERATOR)
        subscriptions = iter([api.get(_path(keys.looked_up(api)["subscriptionId"])).json])
    elif account is not None:
        path = f"/v1/accounts/{segment(account)}/subscriptions"
        subscriptions = run.api(Side.OPERATOR).pages(path, "subscriptions")
    else:
        subscriptions = run.api(Side.CUSTOMER).pages("/v1/subscriptions", "subscriptions")
    rows = []
    with run.out.progress("Reading subscriptions") as tell:
        for subscription in itertools.islice(subscriptions, limit):
            run.out.line(subscription)
            rows.append(looks.subscription_row(subscription))
            tell(len(rows))
    run.out.table(looks.SUBSCRIPTIONS, rows, nothing="There are none.")


@command(group, "show", "modelpass subscriptions show sub_mfrggzdfmztwq2lknnwg23tp")
def show(run: Run, subscription: SubscriptionId) -> None:
    """Show a subscription: its list, term, settings and price."""
    shown = run.api(*_ANY).get(_path(subscription)).json
    run.out.document(shown)
    if not run.out.as_json:
        looks.subscription(run.out, shown)


@command(
    group,
    "usage",
    "modelpass subscriptions usage sub_mfrggzdfmztwq2lknnwg23tp",
    "watch -n 5 modelpass subscriptions usage sub_mfrggzdfmztwq2lknnwg23tp",
)
def usage_(run: Run, subscription: SubscriptionId) -> None:
    """Show what is used, held and left of every model at this moment. Limit and top-up = used + held + left."""
    shown = run.api(*_ANY).get(f"{_path(subscription)}/usage").json
    run.out.document(shown)
    rows = []
    for model in shown["models"]:
        for name in ("daily", "monthly"):
            window = model[name]
            figures = (window.get(part) for part in ("limit", "topUp", "used", "held", "remaining"))
            of = "day: calls" if name == "daily" else f"month: {model['unit']}"
            rows.append((model["modelId"], of, *figures, window.get("overrun") or None, window["resetsAt"]))
    columns = ("Model", "Window", "Limit", "Top-up", "Used", "Held", "Left", "Overrun", "Resets")
    run.out.table(columns, rows, nothing="It has no models.")


@command(
    group,
    "history",
    "modelpass subscriptions history sub_mfrggzdfmztwq2lknnwg23tp",
    "modelpass subscriptions history sub_mfrggzdfmztwq2lknnwg23tp --from 2026-01-01 --to 2026-06-30 --json",
)
def history(
    run: Run,
    subscription: SubscriptionId,
    first: Annotated[_Day, typer.Option("--from", metavar="DATE", help="The first day, such as 2026-12-01.")] = None,
    last: Annotated[_Day, typer.Option("--to", metavar="DATE", help="The last day; at most 366 days.")] = None,
) -> None:
    """Show calls and units by day and model, in the subscription's time zone; by default of the last 31 days."""
    days = {
        "from": first and formats.day(first, "--from"),
        "to": last and formats.day(last, "--to"),
    }
    rows: list[tuple[Any, ...]] = []
    entries = run.api(*_ANY).pages(f"{_path(subscription)}/history", "days", page=_HISTORY_PAGE, **days)
    with run.out.progress("Reading days") as tell:
        for entry in entries:
            run.out.line(entry)
            rows.append((entry["date"], entry["modelId"], entry["calls"], entry["units"], entry["closed"]))
            tell(len(rows))
    if rows:
        rows.append(("all", None, sum(row[2] for row in rows), sum(row[3] for row in rows), None))
    run.out.table(("Day", "Model", "Calls", "Units", "Closed"), rows, nothing="There are no days.")


@command(group, "events", "modelpass subscriptions events sub_mfrggzdfmztwq2lknnwg23tp --limit 10")
def events(run: Run, subscription: SubscriptionId, limit: Limit = None) -> None:
    """Show what happened to a subscription, newest first."""
    found = run.api(*_ANY).pages(f"{_path(subscription)}/events", "events")
    rows = []
    with run.out.progress("Reading events") as tell:
        for event in itertools.islice(found, limit):
            run.out.line(event)
            rows.append((event["at"][:19].replace("T", " ") + "Z", event["type"], _data(event["data"])))
            tell(len(rows))
    run.out.table(("At", "What", "Data"), rows, nothing="Nothing has happened to it.")


def _data(data: dict[str, Any]) -> str:
    """What an event tells, in a line; a price is told by its total."""
    told = {name: looks.money(value) if name == "price" else value for name, value in data.items()}
    shown = {name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


@command(group, "holds", "modelpass subscriptions holds sub_mfrggzdfmztwq2lknnwg23tp")
def holds(run: Run, subscription: SubscriptionId) -> None:
    """Show the open holds of every model, by when they expire; ids of authorizations are in `--json` alone."""
    shown = run.api(Side.OPERATOR).get(f"{_path(subscription)}/holds").json
    run.out.document(shown)
    looks.holds(run.out, looks.holds_of(shown))


def _path(subscription: str) -> str:
    return f"/v1/subscriptions/{formats.opaque(subscription, 'SUBSCRIPTION')}"
