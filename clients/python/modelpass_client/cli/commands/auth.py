"""Signing in and out. Rule: a token is never shown, typed or an argument; it is kept in a file of the person's own."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

import typer

from modelpass_client.cli import access, formats, oidc, sessions
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure, Unreachable, usage
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Session, Side

group = typer.Typer()

_Operator = Annotated[bool, typer.Option("--operator", help="As an operator; by default as a customer.")]
_ClientId = Annotated[
    str,
    typer.Option(
        "--client-id",
        envvar="MODELPASS_CLIENT_ID",
        metavar="ID",
        help="The public client that the identity provider knows the command line by.",
    ),
]


@command(
    group,
    "login",
    "modelpass login",
    "modelpass login --operator --url https://console.example.com",
)
def login(run: Run, operator: _Operator = False, client_id: _ClientId = "modelpass-cli") -> None:
    """Sign in: open the page that is shown, in any browser, and type the code.

    Scripts set MODELPASS_TOKEN instead, which comes before every sign-in.
    """
    if access.given_token() is not None:
        raise usage(f"{access.TOKEN} is set, and comes before every sign-in.", "Unset it to sign in.")
    config = oidc.config_of(run.url)
    if config is None:
        raise Unreachable(
            f"{run.url} does not say where to sign in: it has no config.json.",
            f"Name the address of the console as --url, or set {access.TOKEN}.",
        )
    side = Side.OPERATOR if operator else Side.CUSTOMER
    issuer = oidc.issuer_of(config, side)
    device = oidc.begin(issuer, client_id)
    run.out.note(f"Open {device.page} and confirm this code: {device.user_code}")
    with run.out.progress("Waiting for you"):
        session = oidc.wait(issuer, device, client_id)
    with sessions.locked():
        sessions.keep(run.url, side, session)
    run.out.document(_told(side, session))
    run.out.say(f"Signed in to {run.url} as {_who(session)}, {side.value}.")


@command(group, "logout", "modelpass logout", "modelpass logout --url https://console.example.com")
def logout(run: Run) -> None:
    """Forget the sign-ins to this address, and end them at the identity provider where it takes such news."""
    with sessions.locked():
        kept = sessions.load(run.url)
        for side in kept:
            sessions.keep(run.url, side, None)
    for session in kept.values():
        with contextlib.suppress(Failure):  # it is forgotten here in any case
            oidc.revoke(session)
    run.out.document([side.value for side in kept])
    run.out.say(f"Signed out of {run.url}." if kept else f"Nobody was signed in to {run.url}.")


@command(group, "whoami", "modelpass whoami", "modelpass whoami --json")
def whoami(run: Run) -> None:
    """Show as whom you are signed in, as the tokens say; nothing is asked of the service."""
    token = access.given_token()
    if token is not None:
        claims = access.claims_of(token)
        until = formats.ends(claims["exp"]) if isinstance(claims.get("exp"), int) else None
        rows: list[dict[str, Any]] = [
            {"side": None, "account": claims.get("sub"), "issuer": claims.get("iss"), "tokenUntil": until}
        ]
    else:
        rows = [_told(side, session) for side, session in sessions.load(run.url).items()]
    if not rows:
        raise Failure(
            Exit.NOT_ALLOWED, f"Nobody is signed in to {run.url}.", f"Run `modelpass login`, or set {access.TOKEN}."
        )
    for row in rows:
        run.out.line({"url": run.url, **row})
    run.out.table(
        ("As", "Account", "Issuer", "Token until"),
        [(row["side"] or access.TOKEN, row["account"], row["issuer"], row["tokenUntil"]) for row in rows],
        nothing="",
    )


def _who(session: Session) -> str:
    return formats.plain(access.claims_of(session.token).get("sub") or "somebody")


def _told(side: Side, session: Session) -> dict[str, str]:
    return {
        "side": side.value,
        "account": _who(session),
        "issuer": session.issuer,
        "tokenUntil": formats.ends(session.expires_at),
    }
