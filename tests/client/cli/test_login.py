"""Signing in by the device flow: as slowly as the issuer wants, until it is confirmed, denied, or has ended."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from modelpass_client.cli import oidc, sessions
from modelpass_client.cli.app import app
from modelpass_client.cli.sessions import Side
from tests.client.cli.test_sessions import jwt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.service import Service

TOKEN = jwt({"sub": "acct_demo", "iss": "https://i.example"})
GRANTED = {
    "access_token": TOKEN,
    "id_token": jwt({"sub": "by-id"}),
    "refresh_token": "a-refresh-token",
    "expires_in": 3600,
}
PENDING, SLOWER = ((400, {"error": error}) for error in ("authorization_pending", "slow_down"))


@pytest.fixture
def issuer(service: Service) -> Service:
    """A service whose `config.json` names itself as the issuer, and which grants what is asked."""
    side = {"issuer": service.url, "clientId": "web", "scope": "openid offline_access", "api": ""}
    config = {"customer": side, "operator": {**side, "scope": "openid operator", "api": "/operators"}}
    service.on("GET /config.json", (200, {**config, "extra": {"audience": "modelpass"}}))
    found = {name: f"{service.url}/{name}" for name in ("device_authorization_endpoint", "token_endpoint")}
    service.on("GET /.well-known/openid-configuration", (200, {"issuer": service.url, **found}))
    device = {
        "device_code": "a-device-code",
        "user_code": "WDJB-MJHT",
        "verification_uri": f"{service.url}/device",
        "expires_in": 600,
        "interval": 5,
    }
    service.on("POST /device_authorization_endpoint", (200, device))
    service.on("POST /token_endpoint", (200, GRANTED))
    return service


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited each time; no test sleeps."""
    slept: list[float] = []
    monkeypatch.setattr(oidc.wait, "__defaults__", (slept.append,))
    return slept


def run(service: Service, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "--url", service.url])


def test_signing_in_shows_page_and_code_and_keeps_the_token(issuer: Service, naps: list[float], home: Path) -> None:
    ended = run(issuer, "login")
    assert (ended.exit_code, ended.stdout) == (0, f"Signed in to {issuer.url} as acct_demo, customer.\n")
    assert f"Open {issuer.url}/device and confirm this code: WDJB-MJHT" in ended.stderr
    assert naps == [5]
    (asked,) = issuer.to("/device_authorization_endpoint")
    assert asked.form == {"client_id": "modelpass-cli", "scope": "openid offline_access", "audience": "modelpass"}
    (asked,) = issuer.to("/token_endpoint")
    assert asked.form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "a-device-code",
        "client_id": "modelpass-cli",
    }
    kept = sessions.load(issuer.url)[Side.CUSTOMER]
    assert (kept.token, kept.refresh_token, kept.prefix) == (TOKEN, "a-refresh-token", "")
    assert 3500 < kept.expires_at - time.time() < 3601
    for secret in (TOKEN, "a-device-code", "a-refresh-token"):
        assert secret not in ended.output
        assert secret in (home / "sessions.json").read_text() or secret == "a-device-code"


def test_an_operator_signs_in_with_the_operators_scope_client_and_prefix(issuer: Service, naps: list[float]) -> None:
    ended = run(issuer, "login", "--operator", "--client-id", "cli-of-ours", "--json")
    assert ended.exit_code == 0
    told = json.loads(ended.stdout)
    assert (told["side"], told["account"], told["issuer"]) == ("operator", "acct_demo", issuer.url)
    assert issuer.to("/device_authorization_endpoint")[0].form["scope"] == "openid operator"
    assert issuer.to("/token_endpoint")[0].form["client_id"] == "cli-of-ours"
    assert sessions.load(issuer.url)[Side.OPERATOR].prefix == "/operators"
    assert naps == [5]


def test_it_asks_more_slowly_when_told_to_and_when_no_answer_comes(issuer: Service, naps: list[float]) -> None:
    issuer.on("POST /token_endpoint", PENDING, SLOWER, None, PENDING, (200, GRANTED))
    assert run(issuer, "login").exit_code == 0
    assert naps == [5, 5, 10, 20, 20]


def test_the_id_token_is_sent_where_the_service_says_so(issuer: Service, naps: list[float]) -> None:
    (config,) = issuer.answers["GET /config.json"]
    issuer.on("GET /config.json", (200, {**config[1], "token": "id_token"}))
    assert run(issuer, "login").exit_code == 0
    assert sessions.load(issuer.url)[Side.CUSTOMER].token == GRANTED["id_token"]
    assert naps


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "The sign-in was denied on the page."),
        ("expired_token", "The code was not typed in time."),
        ("invalid_client", "The identity provider refused: invalid_client."),
    ],
)
def test_a_sign_in_that_fails_says_why_and_keeps_nothing(
    issuer: Service, naps: list[float], error: str, words: str
) -> None:
    issuer.on("POST /token_endpoint", PENDING, (400, {"error": error}))
    ended = run(issuer, "login")
    assert (ended.exit_code, ended.stdout) == (3, "")
    assert words in ended.stderr
    assert len(naps) == 2
    assert sessions.load(issuer.url) == {}


def test_it_gives_up_when_the_code_has_ended(
    issuer: Service, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 200))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    issuer.on("POST /token_endpoint", PENDING)
    ended = run(issuer, "login")
    assert ended.exit_code == 3
    assert "The code was not typed in time." in ended.stderr
    assert naps == [5, 5]


@pytest.mark.parametrize(
    ("line", "answer", "status", "words"),
    [
        ("GET /config.json", (404, None), 5, "does not say where to sign in"),
        ("GET /config.json", (200, {"customer": {}}), 5, "does not say where to sign in"),
        (
            "GET /config.json",
            (200, {"customer": {"issuer": "http://i.example", "scope": "", "api": ""}}),
            2,
            "must begin with https",
        ),
        (
            "GET /.well-known/openid-configuration",
            (200, {"issuer": "https://other", "token_endpoint": "https://other/t"}),
            5,
            "does not say how to sign in",
        ),
        ("GET /.well-known/openid-configuration", (503, None), 5, "does not say how to sign in"),
        (
            "POST /device_authorization_endpoint",
            (400, {"error": "unauthorized_client"}),
            3,
            "refused: unauthorized_client",
        ),
        ("POST /device_authorization_endpoint", (200, {"user_code": "x"}), 5, "cannot be used"),
        ("POST /token_endpoint", (200, {"token_type": "Bearer"}), 5, "sent no access_token"),
    ],
)
def test_what_is_amiss_with_the_sign_in_is_told(
    issuer: Service, naps: list[float], line: str, answer: Any, status: int, words: str
) -> None:
    issuer.on(line, answer)
    ended = run(issuer, "login")
    assert ended.exit_code == status
    assert words in ended.stderr
    assert len(naps) <= 1
    assert ended.stdout == ""


def test_an_issuer_without_the_device_flow_is_told_with_another_way(issuer: Service) -> None:
    issuer.on(
        "GET /.well-known/openid-configuration",
        (200, {"issuer": issuer.url, "token_endpoint": f"{issuer.url}/token_endpoint"}),
    )
    ended = run(issuer, "login")
    assert ended.exit_code == 3
    assert "no device flow" in ended.stderr
    assert "set MODELPASS_TOKEN" in ended.stderr


def test_with_a_token_of_the_environment_there_is_nothing_to_sign_in(
    issuer: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPASS_TOKEN", TOKEN)
    ended = run(issuer, "login")
    assert ended.exit_code == 2
    assert "MODELPASS_TOKEN is set" in ended.stderr
    assert issuer.asked == []
    ended = run(issuer, "whoami")
    assert (ended.exit_code, TOKEN in ended.output) == (0, False)
    assert "acct_demo" in ended.stdout


def test_whoami_and_logout_tell_of_both_sides(issuer: Service, naps: list[float]) -> None:
    ended = run(issuer, "whoami")
    assert (ended.exit_code, ended.stdout) == (3, "")
    assert run(issuer, "login").exit_code == 0
    assert run(issuer, "login", "--operator").exit_code == 0
    told = [json.loads(line) for line in run(issuer, "whoami", "--json").stdout.splitlines()]
    assert [(row["side"], row["account"], row["url"]) for row in told] == [
        ("customer", "acct_demo", issuer.url),
        ("operator", "acct_demo", issuer.url),
    ]
    (_, found) = issuer.answers["GET /.well-known/openid-configuration"][0]
    issuer.on("GET /.well-known/openid-configuration", (200, {**found, "revocation_endpoint": f"{issuer.url}/revoke"}))
    ended = run(issuer, "logout")
    assert (ended.exit_code, ended.stdout) == (0, f"Signed out of {issuer.url}.\n")
    assert [asked.form["token"] for asked in issuer.to("/revoke")] == ["a-refresh-token"] * 2
    assert sessions.load(issuer.url) == {}
    assert run(issuer, "logout").stdout == f"Nobody was signed in to {issuer.url}.\n"
    assert len(naps) == 2


def test_signing_out_works_while_the_issuer_is_away(issuer: Service, naps: list[float]) -> None:
    assert run(issuer, "login").exit_code == 0
    issuer.on("GET /.well-known/openid-configuration", None)
    assert run(issuer, "logout").exit_code == 0
    assert sessions.load(issuer.url) == {}
    assert naps == [5]
