"""Which token a command sends, and where to. Rule: the token of the environment comes first, and is kept nowhere.

A sign-in that has ended is renewed while it can be, by one process at a time.
"""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any, Final

from modelpass_client.cli import oidc, sessions
from modelpass_client.cli.api import Api
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure
from modelpass_client.cli.sessions import Session, Side

TOKEN: Final = "MODELPASS_TOKEN"  # noqa: S105 - the name of a variable
_AHEAD_SECONDS: Final = 30.0
"""So long before its end a token is renewed, for it has to last until the answer."""


def given_token() -> str | None:
    """The token of the environment."""
    return os.environ.get(TOKEN, "").strip() or None


def api_of(url: str, *sides: Side) -> Api:
    """The API at an address for the first of these sides that somebody is signed in to; raises `Failure`."""
    given = given_token()
    if given is not None:
        return Api(url + _prefix(url, given, sides), given)
    kept = sessions.load(url)
    for side in sides:
        if side in kept:
            session = fresh(url, side, kept[side])
            return Api(url + session.prefix, session.token)
    flag = " --operator" if sides[0] is Side.OPERATOR else ""
    raise Failure(
        Exit.NOT_ALLOWED,
        f"Nobody is signed in to {url} as {' or '.join(side.value for side in sides)}.",
        f"Run `modelpass login{flag}`, or set {TOKEN}.",
    )


def fresh(url: str, side: Side, session: Session) -> Session:
    """The session, with a token that lasts for a while; raises `Failure` when it has ended for good."""
    if _lasts(session):
        return session
    with sessions.locked():
        session = sessions.load(url).get(side, session)  # another process may have renewed it in between
        if not _lasts(session):
            if session.refresh_token is None:
                raise Failure(Exit.NOT_ALLOWED, "The session has ended.", _again(side))
            session = oidc.renewed(session)
            sessions.keep(url, side, session)
    return session


def _lasts(session: Session) -> bool:
    return session.expires_at - time.time() > _AHEAD_SECONDS


def _again(side: Side) -> str:
    return f"Sign in again: `modelpass login{' --operator' if side is Side.OPERATOR else ''}`."


def _prefix(url: str, token: str, sides: tuple[Side, ...]) -> str:
    """What stands before `/v1` for this token; nothing at an API's own address, which has no `/config.json`."""
    config = oidc.config_of(url)
    if config is None:
        return ""
    side = sides[0]
    if len(sides) > 1:
        issuer = oidc.issuer_of(config, Side.OPERATOR)
        told = claims_of(token).get(issuer.operator_claim)
        words = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
        side = Side.OPERATOR if issuer.operator_value in words else Side.CUSTOMER
    return oidc.issuer_of(config, side).prefix


def claims_of(token: str) -> dict[str, Any]:
    """What a token says of itself, unchecked; nothing where it is no JWT."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
