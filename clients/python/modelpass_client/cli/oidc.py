"""Signing in by the device flow (RFC 8628). Rule: the person types a short code on a page, and nothing secret here.

What there is to sign in to is told by `/config.json` of the service, and where by its issuer's discovery document. The
device code, the tokens and the answers that bring them are never shown, and are in no text of a failure.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from modelpass_client.cli import api
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure, Unreachable
from modelpass_client.cli.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.cli.sessions import Side

_DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_INTERVAL_SECONDS: Final = 5.0
_SLOWER_SECONDS: Final = 5.0
_TOKEN_SECONDS: Final = 300.0
"""How long a token is taken to be good where the issuer does not say."""
_KINDS: Final = ("access_token", "id_token")
_ENDED: Final = {
    "access_denied": ("The sign-in was denied on the page.", "Nothing is signed in."),
    "expired_token": ("The code was not typed in time.", "Run `modelpass login` again."),
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """What `/config.json` says of a side: whose tokens it takes, and what stands before `/v1`."""

    issuer: str
    scope: str
    prefix: str
    token_kind: str
    extra: dict[str, str]
    operator_claim: str
    operator_value: str


@dataclass(frozen=True, slots=True)
class Device:
    """A sign-in that waits for a person: what to type, and where."""

    user_code: str
    page: str
    ends_at: float
    interval: float
    code: str = field(repr=False)
    endpoint: str


def config_of(url: str) -> dict[str, Any] | None:
    """What the service says of its sign-in; None where it says nothing, as the bare address of an API."""
    answer = api.ask("GET", f"{url}/config.json", None, {"Accept": "application/json"})
    if answer.status != HTTPStatus.OK or not isinstance(answer.body, dict):
        return None
    return answer.body


def issuer_of(config: dict[str, Any], side: Side) -> Issuer:
    """The part of `/config.json` about a side; raises `Failure` when it lacks something."""
    try:
        part = config[side.value]
        found = Issuer(
            issuer=api.checked_url(part["issuer"], "The issuer in config.json"),
            scope=part["scope"],
            prefix=part["api"],
            token_kind=config.get("token", _KINDS[0]),
            extra={str(name): str(value) for name, value in config.get("extra", {}).items()},
            operator_claim=config.get("operatorClaim", "scope"),
            operator_value=config.get("operatorValue", "operator"),
        )
    except (KeyError, TypeError, AttributeError):
        raise Unreachable("The config.json of the service does not say where to sign in.") from None
    if found.token_kind not in _KINDS:
        raise Unreachable("The config.json of the service names a kind of token that is unknown here.")
    return found


def begin(issuer: Issuer, client_id: str) -> Device:
    """Ask for a code that a person types on a page; raises `Failure` where the issuer does not do this."""
    found = _discovered(issuer.issuer)
    endpoint = found.get("device_authorization_endpoint")
    if not isinstance(endpoint, str):
        raise Failure(
            Exit.NOT_ALLOWED,
            "The identity provider has no device flow.",
            "Get a token there in another way, and set MODELPASS_TOKEN to it.",
        )
    form = {"client_id": client_id, "scope": issuer.scope, **issuer.extra}
    answer = _post(api.checked_url(endpoint, "The address of the sign-in"), form)
    told = answer.json
    if answer.status != HTTPStatus.OK:
        raise _refused(told)
    try:
        return Device(
            user_code=str(told["user_code"]),
            page=str(told.get("verification_uri_complete") or told["verification_uri"]),
            ends_at=time.monotonic() + float(told["expires_in"]),
            interval=float(told.get("interval", _INTERVAL_SECONDS)),
            code=told["device_code"],
            endpoint=found["token_endpoint"],
        )
    except (KeyError, TypeError, ValueError):
        raise Unreachable("The identity provider's answer cannot be used.") from None


def wait(issuer: Issuer, device: Device, client_id: str, sleep: Callable[[float], None] = time.sleep) -> Session:
    """Ask until the person has typed the code, as slowly as the issuer wants; raises `Failure` when that fails."""
    interval = device.interval
    form = {"grant_type": _DEVICE, "device_code": device.code, "client_id": client_id}
    while time.monotonic() < device.ends_at:
        sleep(interval)
        try:
            answer = _post(device.endpoint, form)
        except Unreachable:
            interval *= 2  # as RFC 8628 asks for, where no answer came
            continue
        if answer.status == HTTPStatus.OK:
            return _session(issuer, client_id, answer.json)
        error = answer.json.get("error")
        if error == "slow_down":
            interval += _SLOWER_SECONDS
        elif error != "authorization_pending":
            raise _refused(answer.json)
    raise Failure(Exit.NOT_ALLOWED, *_ENDED["expired_token"])


def renewed(session: Session) -> Session:
    """The session with a new token; raises `Failure` when it has ended for good."""
    found = _discovered(session.issuer)
    form = {"grant_type": "refresh_token", "refresh_token": session.refresh_token or "", "client_id": session.client_id}
    answer = _post(found["token_endpoint"], form)
    if answer.status != HTTPStatus.OK:
        raise _refused(answer.json)
    issuer = Issuer(session.issuer, "", session.prefix, session.token_kind, {}, "", "")
    return _session(issuer, session.client_id, {"refresh_token": session.refresh_token, **answer.json})


def revoke(session: Session) -> None:
    """Tell the issuer that the session is over, where it takes such news."""
    endpoint = _discovered(session.issuer).get("revocation_endpoint")
    if isinstance(endpoint, str) and session.refresh_token:
        _post(api.checked_url(endpoint, "The address of the sign-out"), {
            "token": session.refresh_token, "token_type_hint": "refresh_token", "client_id": session.client_id,
        })  # fmt: skip


def _session(issuer: Issuer, client_id: str, told: dict[str, Any]) -> Session:
    token = told.get(issuer.token_kind)
    if not isinstance(token, str):
        raise Unreachable(f"The identity provider sent no {issuer.token_kind}.")
    return Session(
        token=token,
        prefix=issuer.prefix,
        expires_at=time.time() + float(told.get("expires_in") or _TOKEN_SECONDS),
        issuer=issuer.issuer,
        client_id=client_id,
        token_kind=issuer.token_kind,
        refresh_token=told.get("refresh_token"),
    )


def _discovered(issuer: str) -> dict[str, Any]:
    answer = api.ask("GET", f"{issuer}/.well-known/openid-configuration", None, {"Accept": "application/json"})
    found = answer.json if answer.status == HTTPStatus.OK else {}
    if str(found.get("issuer", "")).rstrip("/") != issuer or not isinstance(found.get("token_endpoint"), str):
        raise Unreachable("The identity provider that config.json names does not say how to sign in.")
    api.checked_url(found["token_endpoint"], "The address of tokens")
    return found


def _post(url: str, form: dict[str, str]) -> api.Answer:
    return api.ask("POST", url, urlencode(form).encode(), _FORM)


def _refused(told: dict[str, Any]) -> Failure:
    error = str(told.get("error", "an error without a name"))
    todo = "Sign in again: `modelpass login`." if error == "invalid_grant" else ""
    return Failure(Exit.NOT_ALLOWED, *_ENDED.get(error, (f"The identity provider refused: {error}.", todo)))
