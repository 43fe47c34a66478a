"""The command line as a whole. Rule: it names the groups and their order, and holds no command."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Final

import typer

from modelpass_client.cli.commands import (
    auth,
    catalogue,
    keys,
    orders,
    plans,
    sales,
    steering,
    subscriptions,
    tiers,
    tools,
)
from modelpass_client.cli.exits import MEANINGS

NAME: Final = "modelpass"
_STATUSES: Final = "\n".join(f"    {status.value:<4} {meaning}" for status, meaning in MEANINGS.items())

app = typer.Typer(
    name=NAME,
    help="See and steer a Modelpass service, local or deployed.\n\nEvery command has --json for programs, and --help "
    "with examples. Secrets are never arguments: tokens come from a sign-in or MODELPASS_TOKEN, API keys from standard "
    "input.",
    epilog=f"Exit statuses:\n\n\b\n{_STATUSES}",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(asked: bool) -> None:
    if not asked:
        return
    try:
        typer.echo(f"{NAME} {version('modelpass-client')}")
    except PackageNotFoundError:
        typer.echo(f"{NAME} of a clone")
    raise typer.Exit


@app.callback()
def main(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """See and steer a Modelpass service, local or deployed."""


app.add_typer(auth.group)
app.add_typer(catalogue.group, name="catalogue")
app.add_typer(tiers.group, name="tiers")
app.add_typer(subscriptions.group, name="subscriptions")
app.add_typer(orders.group, name="orders")
app.add_typer(plans.group, name="plans")
app.add_typer(keys.group, name="keys")
app.add_typer(sales.group)
app.add_typer(tools.group)
_ = steering  # it adds its commands to those of `subscriptions`
