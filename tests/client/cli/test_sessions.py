"""A sign-in is its person's alone: the file's modes, what others can read, damage, and renewal by one process."""

from __future__ import annotations

import base64
import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.cli import access, sessions
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure
from modelpass_client.cli.sessions import Session, Side

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.service import Service

URL = "https://a.example"


def session(**changes: Any) -> Session:
    made = {
        "token": "the-token",
        "prefix": "/operators",
        "expires_at": time.time() + 3600,
        "issuer": "https://issuer.example",
        "client_id": "modelpass-cli",
        "token_kind": "access_token",
        "refresh_token": "the-refresh-token",
    }
    return Session(**{**made, **changes})


def modes(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_what_is_kept_is_its_persons_alone_and_no_text_shows_it(home: Path) -> None:
    sessions.keep(URL, Side.OPERATOR, session())
    assert (modes(home), modes(home / "sessions.json")) == ("0o700", "0o600")
    assert [path.name for path in home.iterdir()] == ["sessions.json"]
    assert sessions.load(URL) == {Side.OPERATOR: session(expires_at=sessions.load(URL)[Side.OPERATOR].expires_at)}
    assert "the-token" not in repr(session())
    assert "the-refresh-token" not in repr(session())


def test_sides_and_addresses_are_kept_apart() -> None:
    sessions.keep(URL, Side.OPERATOR, session(token="o"))
    sessions.keep(URL, Side.CUSTOMER, session(token="c"))
    sessions.keep("https://b.example", Side.CUSTOMER, session(token="b"))
    sessions.keep(URL, Side.OPERATOR, None)
    assert {side: kept.token for side, kept in sessions.load(URL).items()} == {Side.CUSTOMER: "c"}
    assert sessions.load("https://b.example")[Side.CUSTOMER].token == "b"
    assert sessions.load("https://c.example") == {}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_others_can_use_is_refused(home: Path, mode: int) -> None:
    sessions.keep(URL, Side.OPERATOR, session())
    (home / "sessions.json").chmod(mode)
    with pytest.raises(Failure, match="can be read by others") as refused:
        sessions.load(URL)
    assert refused.value.exit_status is Exit.NOT_ALLOWED


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_damaged_file_is_told(home: Path, text: str) -> None:
    sessions.keep(URL, Side.OPERATOR, session())
    (home / "sessions.json").write_text(text)
    with pytest.raises(Failure, match="is damaged"):
        sessions.load(URL)


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    home.parent.write_text("a file")
    with pytest.raises(Failure, match="cannot be used: Not a directory") as refused:
        sessions.keep(URL, Side.OPERATOR, session())
    assert refused.value.exit_status is Exit.USAGE


def test_nobody_signed_in_is_told_with_what_to_do() -> None:
    with pytest.raises(Failure, match=r"Nobody is signed in to https://a\.example as operator or customer") as refused:
        access.api_of(URL, Side.OPERATOR, Side.CUSTOMER)
    assert refused.value.exit_status is Exit.NOT_ALLOWED
    assert "`modelpass login --operator`" in refused.value.todo
    with pytest.raises(Failure) as refused:
        access.api_of(URL, Side.CUSTOMER)
    assert "`modelpass login`" in refused.value.todo


def test_the_first_side_that_is_signed_in_is_taken_with_its_prefix() -> None:
    sessions.keep(URL, Side.CUSTOMER, session(token="c", prefix=""))
    either = access.api_of(URL, Side.OPERATOR, Side.CUSTOMER)
    assert (either.base, either.token) == (URL, "c")
    sessions.keep(URL, Side.OPERATOR, session(token="o"))
    either = access.api_of(URL, Side.OPERATOR, Side.CUSTOMER)
    assert (either.base, either.token) == (f"{URL}/operators", "o")


def issuing(service: Service) -> None:
    """Let the service be an issuer whose refresh tokens are good for one use."""
    service.on(
        "GET /.well-known/openid-configuration",
        (200, {"issuer": service.url, "token_endpoint": f"{service.url}/token"}),
    )
    service.on(
        "POST /token",
        (200, {"access_token": "new", "refresh_token": "next", "expires_in": 3600}),
        (400, {"error": "invalid_grant"}),
    )


def test_a_session_that_ends_is_renewed_once_by_whoever_comes_first(service: Service) -> None:
    issuing(service)
    sessions.keep(URL, Side.OPERATOR, session(issuer=service.url, expires_at=time.time() + 10))
    with ThreadPoolExecutor(8) as threads:
        tokens = [got.token for got in threads.map(lambda _: access.api_of(URL, Side.OPERATOR), range(8))]
    assert tokens == ["new"] * 8
    (asked,) = service.to("/token")
    assert asked.form == {
        "grant_type": "refresh_token",
        "refresh_token": "the-refresh-token",
        "client_id": "modelpass-cli",
    }
    kept = sessions.load(URL)[Side.OPERATOR]
    assert (kept.token, kept.refresh_token, kept.prefix) == ("new", "next", "/operators")


def test_a_refresh_token_that_is_not_replaced_stays(service: Service) -> None:
    issuing(service)
    service.on("POST /token", (200, {"access_token": "new"}))
    sessions.keep(URL, Side.OPERATOR, session(issuer=service.url, expires_at=0))
    assert access.api_of(URL, Side.OPERATOR).token == "new"
    kept = sessions.load(URL)[Side.OPERATOR]
    assert kept.refresh_token == "the-refresh-token"
    assert 200 < kept.expires_at - time.time() < 301, "it is renewed soon where the issuer does not say when it ends"


def test_a_session_that_cannot_be_renewed_has_ended(service: Service) -> None:
    issuing(service)
    service.answers["POST /token"].pop(0)
    sessions.keep(URL, Side.OPERATOR, session(issuer=service.url, expires_at=0))
    with pytest.raises(Failure, match="invalid_grant") as ended:
        access.api_of(URL, Side.OPERATOR)
    assert ended.value.exit_status is Exit.NOT_ALLOWED
    sessions.keep(URL, Side.OPERATOR, session(refresh_token=None, expires_at=0))
    with pytest.raises(Failure, match="The session has ended"):
        access.api_of(URL, Side.OPERATOR)


CONFIG = {
    "customer": {"issuer": "https://i.example", "clientId": "c", "scope": "openid", "api": ""},
    "operator": {"issuer": "https://i.example", "clientId": "o", "scope": "openid operator", "api": "/operators"},
    "operatorClaim": "roles",
    "operatorValue": "admin",
}


@pytest.mark.parametrize(
    ("claims", "sides", "prefix"),
    [
        ({"roles": ["admin"]}, (Side.OPERATOR, Side.CUSTOMER), "/operators"),
        ({"roles": "x admin"}, (Side.OPERATOR, Side.CUSTOMER), "/operators"),
        ({"roles": 1}, (Side.OPERATOR, Side.CUSTOMER), ""),
        ({"scope": "operator"}, (Side.OPERATOR, Side.CUSTOMER), ""),
        ({}, (Side.OPERATOR,), "/operators"),
        ({"roles": ["admin"]}, (Side.CUSTOMER,), ""),
    ],
)
def test_a_token_of_the_environment_goes_to_the_api_it_is_for(
    service: Service, monkeypatch: pytest.MonkeyPatch, claims: dict[str, Any], sides: tuple[Side, ...], prefix: str
) -> None:
    service.on("GET /config.json", (200, CONFIG))
    monkeypatch.setenv("MODELPASS_TOKEN", jwt(claims))
    assert access.api_of(service.url, *sides).base == service.url + prefix


@pytest.mark.parametrize(
    "answer", [(404, {"message": "Not Found"}), (401, {"message": "Unauthorized"}), (200, b"<html>")]
)
def test_a_bare_api_has_no_prefix(service: Service, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    service.on("GET /config.json", answer)
    monkeypatch.setenv("MODELPASS_TOKEN", "opaque")
    assert access.api_of(service.url, Side.OPERATOR, Side.CUSTOMER).base == service.url
    assert "Authorization" not in service.asked[0].headers


def jwt(claims: dict[str, Any]) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.x"
