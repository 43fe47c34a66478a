"""API keys that somebody sends in. Rule: a key comes by standard input or a hidden question, and is never shown."""

from __future__ import annotations

import typer

from modelpass_client.cli import asking
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

group = typer.Typer(help="API keys that somebody sends in.")


@command(group, "lookup", "modelpass keys lookup", "modelpass keys lookup --json < key.txt")
def lookup(run: Run) -> None:
    """Find whose a key is and whether it is good; type it without its being shown, or pipe it in."""
    api = run.api(Side.OPERATOR)
    found = api.change("POST", "/v1/keys/lookup", {"apiKey": asking.secret("API key")}).json
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
