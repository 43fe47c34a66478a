"""The tools for deployments, which `make` runs too. Rule: each is the tool of the clone, with its own exit status.

A deployment is named by its CloudFormation stack; credentials and Region are those of the standard AWS environment.
"""

from __future__ import annotations

import os
from typing import Annotated, Final, Optional

import typer

from modelpass_client.cli import asking, clone, formats
from modelpass_client.cli.failures import usage
from modelpass_client.cli.options import Yes
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

group = typer.Typer()

_Text = Optional[str]  # noqa: UP045 - Python 3.10 cannot evaluate `str | None` where Typer asks for it
_Stack = Annotated[_Text, typer.Option("--stack", envvar="STACK", metavar="NAME", help="The deployment's stack.")]
_TABLES: Final = ("ENTITLEMENTS_TABLE", "SUBSCRIPTIONS_TABLE", "HISTORY_TABLE", "EVENTS_TABLE")


@command(
    group,
    "audit",
    "modelpass audit",
    "modelpass audit --stack modelpass-prod",
    "modelpass audit --data .local/data",
    "HISTORY_TABLE=restored modelpass audit --stack modelpass-prod --at 2026-12-24",
)
def audit(
    run: Run,
    stack: _Stack = None,
    data: Annotated[_Text, typer.Option("--data", envvar="DATA", metavar="DIR", help="A local stack's data.")] = None,
    at: Annotated[_Text, typer.Option("--at", envvar="AT", metavar="TIME", help="As of this instant.")] = None,
) -> None:
    """Check every equation over what is stored: of a stack, of a folder of data, or of the stack that runs here.

    Tables by name (ENTITLEMENTS_TABLE and so on in the environment) replace the stack's. Exit status: 0 when all holds,
    1 when something does not, 2 when the tables could not be read.
    """
    if stack and data:
        raise usage("Audit a --stack or the --data of one, not both.")
    deployed = bool(stack) or any(os.environ.get(name) for name in _TABLES)
    settings = {"STACK": stack, "DATA": data, "AT": at and formats.instant(at, "--at")}
    if not deployed and not data:
        settings["PORT"] = _port(run.url)
    _finish(run, "audit", settings, "Auditing", here=not deployed)


@command(group, "upgrade", "modelpass upgrade --stack modelpass-prod")
def upgrade(run: Run, stack: _Stack = None) -> None:
    """Bring what a deployment has stored to the newest schema version; it may be repeated, and the service goes on.

    Exit status: 0 when nothing is left, 1 when something is, 2 when it could not be done.
    """
    _finish(run, "upgrade", {"STACK": _needed(stack)}, "Upgrading")


@command(group, "restore", "modelpass restore --stack modelpass-prod --from '{}-restored' --units 3000")
def restore(
    run: Run,
    stack: _Stack = None,
    pattern: Annotated[
        _Text, typer.Option("--from", envvar="FROM", help="What the restored tables are called; {} is a table's name.")
    ] = None,
    units: Annotated[_Text, typer.Option("--units", envvar="UNITS", help="Read and write units a second.")] = None,
    progress: Annotated[
        _Text, typer.Option("--progress", envvar="PROGRESS", metavar="DIR", help="Where to keep how far it is.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Let a deployment hold what restored tables hold; stop what writes first, as the page on operations says.

    Exit status: 0 when all is equal, 1 when something differs, 2 when it could not be done.
    """
    if not pattern or "{}" not in pattern:
        raise usage("Say what the restored tables are called: --from '{}-restored'.")
    settings = {
        "STACK": _needed(stack),
        "FROM": pattern,
        "UNITS": units and str(formats.number(units, "--units")),
        "PROGRESS": progress,
    }
    asking.confirm(f"What {stack} has stored since the restored tables is overwritten.", yes=yes)
    _finish(run, "restore", settings, "Restoring")


@command(group, "seed", "modelpass seed", "modelpass seed --url https://console.example.com --confirm")
def seed(
    run: Run,
    confirm: Annotated[bool, typer.Option("--confirm", help="Prices that change by a large factor are meant.")] = False,
) -> None:
    """Put every model of the clone's catalogue.json into a deployment, as the operator who is signed in.

    Exit status: 0 when every model was taken, 1 when one was refused or nothing answered.
    """
    clone.folder()
    api = run.api(Side.OPERATOR)
    settings = {"API": api.base, "TOKEN": api.token, **({"CONFIRM": "yes"} if confirm else {})}
    _finish(run, "seed", settings, "Putting models")


def _finish(run: Run, tool: str, settings: dict[str, str | None], doing: str, *, here: bool = False) -> None:
    """Run a tool, and end with its status where that is not 0."""
    printed: list[str] = []

    def told(line: str) -> None:
        printed.append(line)
        run.out.say(formats.plain(line))

    with run.out.progress(doing):
        status = clone.run(tool, settings, told, run.out.note, here=here)
    run.out.document({"tool": tool, "exitStatus": status, "printed": printed})
    if status:
        raise typer.Exit(status)


def _needed(stack: str | None) -> str:
    if not stack:
        raise usage("Say which deployment: --stack NAME.")
    return stack


def _port(url: str) -> str | None:
    """The port of the stack on this machine that the address names."""
    host, _, port = url.partition("://")[2].rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not port.isdecimal():
        raise usage("Say what to audit: --stack NAME, --data DIR, or as --url the stack that runs on this machine.")
    return port
