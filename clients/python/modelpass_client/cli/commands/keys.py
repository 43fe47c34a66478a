"""API keys that somebody sends in. Rule: a key comes by standard input or a hidden question, and is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from modelpass_client.cli import asking
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure, Refusal
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

if TYPE_CHECKING:
    from modelpass_client.cli.api import Api, Json

group = typer.Typer(help="API keys that somebody sends in.")


@command(group, "lookup", "modelpass keys lookup", "modelpass keys lookup --json < key.txt")
def lookup(run: Run) -> None:
    """Find whose a key is and whether it is good; type it without its being shown, or pipe it in."""
    found = looked_up(run.api(Side.OPERATOR))
    run.out.document(found)
    run.out.fields(
        [
            ("Subscription", found["subscriptionId"]),
            ("Account", found["accountId"]),
            ("Status", found["status"]),
            ("Term", found["term"]),
            ("Key", "good now" if found["current"] else "was replaced or revoked"),
        ]
    )


def looked_up(api: Api) -> Json:
    """Whose key it is that standard input gives; raises `Failure` when it is no key of this service."""
    try:
        return api.change("POST", "/v1/keys/lookup", {"apiKey": asking.secret("API key")}).json
    except Refusal as refusal:
        if refusal.code != "not_found":
            raise
        raise Failure(
            Exit.NOT_FOUND, "This is no key of this service.", "It may be mistyped, or of another deployment."
        ) from None
