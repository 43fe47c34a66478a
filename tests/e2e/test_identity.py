"""The sign-in of the running stack, as programs and browsers use it: code with PKCE, device, and every refusal."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from local.identity import flows
from tests.support import leaks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Answer, Json, Stack

    NewAccount = Callable[[], str]

PROVIDER = "/_local/identity"
CONSOLE, OPERATORS, COMMAND_LINE = "modelpass-console", "modelpass-console-operators", "modelpass-cli"
VERIFIER = "v" * 64
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TIER = "/v1/models/claude-opus-4-6/tiers/basic/availability"


def post(stack: Stack, path: str, given: Json, **headers: str) -> Answer:
    answer = stack.send("POST", f"{PROVIDER}{path}", urlencode(given).encode(), {**FORM, **headers})
    if answer.status == 200 and path == "/token":
        for name in ("access_token", "id_token", "refresh_token"):
            leaks.keep_bearer(f"Bearer {answer.json.get(name, 'none-was-given')}")
    return answer


def request(stack: Stack, client: str = CONSOLE, **changes: str) -> Json:
    scope = "openid offline_access operator" if client == OPERATORS else "openid offline_access"
    return {
        "client_id": client,
        "redirect_uri": f"{stack.url}/",
        "response_type": "code",
        "scope": scope,
        "state": "the & state",
        "nonce": "a-nonce",
        "code_challenge": flows.challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **changes,
    }


def sent_back(answer: Answer) -> Json:
    """What an answer sends to the client's address."""
    assert answer.status == 303, answer
    assert answer.headers["cache-control"] == "no-store"
    return {name: value for name, (value,) in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def agreed(stack: Stack, account: str, asked: Json, **form: str) -> str:
    """A code, as somebody gets it who fills in the form of the page."""
    page = stack.send("GET", f"{PROVIDER}/authorize?{urlencode(asked)}")
    assert page.status == 200, page
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', page.body.decode())
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.body.decode())
    kept = {name: html.unescape(value) for name, value in hidden}
    decision = {"account": account, "operator": "yes", "decision": "allow", **form}
    back = sent_back(post(stack, action.removeprefix(PROVIDER), {**kept, **decision}))
    assert (back["state"], back["iss"]) == ("the & state", f"{stack.url}{PROVIDER}")
    code: str = back["code"]
    return code


def redeem(stack: Stack, code: str, client: str = CONSOLE, /, **changes: str) -> Answer:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{stack.url}/", "client_id": client}
    return post(stack, "/token", {**form, "code_verifier": VERIFIER, **changes})


def refresh(stack: Stack, token: str, client: str = CONSOLE, **more: str) -> Answer:
    return post(stack, "/token", {"grant_type": "refresh_token", "refresh_token": token, "client_id": client, **more})


def read(stack: Stack, token: str, audience: str, issuer: str) -> Json:
    """The claims of a token, checked with the keys that the provider shows."""
    keys = jwt.PyJWKSet.from_dict(stack.send("GET", f"{PROVIDER}/jwks").json)
    claims: Json = jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], audience=audience, issuer=issuer)
    return claims


def test_discovery_names_this_address_and_every_endpoint_answers(stack: Stack) -> None:
    told = stack.send("GET", f"{PROVIDER}/.well-known/openid-configuration").json
    assert told["issuer"] == f"{stack.url}{PROVIDER}"
    assert told["code_challenge_methods_supported"] == ["S256"]
    at = [value for name, value in told.items() if name.endswith("_endpoint") or name == "jwks_uri"]
    assert len(at) == 6
    for url in at:
        assert stack.send("GET", url.removeprefix(stack.url)).status in {200, 400, 401, 405}


def test_customer_signs_in_buys_and_goes_on_with_a_refreshed_token(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    answer = redeem(stack, agreed(stack, account, request(stack)))
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert tokens["scope"] == "openid offline_access"
    who = read(stack, tokens["id_token"], CONSOLE, f"{stack.url}{PROVIDER}")
    assert (who["sub"], who["nonce"], who["exp"] - who["iat"]) == (account, "a-nonce", 3600)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert stack.api("GET", "/v1/subscriptions", "nobody", **bearer).json["subscriptions"] == []
    stack.buy("nobody", **bearer)
    again = refresh(stack, tokens["refresh_token"]).json
    bearer = {"Authorization": f"Bearer {again['access_token']}"}
    assert len(stack.api("GET", "/v1/subscriptions", "nobody", **bearer).json["subscriptions"]) == 1
    assert again["refresh_token"] != tokens["refresh_token"]
    assert stack.send("GET", f"{PROVIDER}/userinfo", headers=bearer).json == {"sub": account}


def test_operator_signs_in_with_the_operators_client_and_may_choose_to_be_none(stack: Stack) -> None:
    tokens = redeem(stack, agreed(stack, "ops", request(stack, OPERATORS)), OPERATORS).json
    claims = read(stack, tokens["access_token"], "modelpass-operators", "https://issuer.example")
    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("ops", "operator", 3600)
    up = {"available": True}
    assert stack.api("PUT", TIER, "", up, Authorization=f"Bearer {tokens['access_token']}").status == 200
    plain = redeem(stack, agreed(stack, "ops", request(stack, OPERATORS), operator=""), OPERATORS).json
    assert plain["scope"] == "openid offline_access"
    assert stack.api("PUT", TIER, "", up, Authorization=f"Bearer {plain['access_token']}").status == 403
    less = refresh(stack, tokens["refresh_token"], OPERATORS, scope="openid").json
    assert stack.api("PUT", TIER, "", up, Authorization=f"Bearer {less['access_token']}").status == 403
    more = refresh(stack, plain["refresh_token"], OPERATORS, scope="openid operator")
    assert (more.status, more.json["error"]) == (400, "invalid_scope")


def test_a_code_is_good_once_and_only_with_its_verifier_and_address(stack: Stack) -> None:
    code = agreed(stack, "acct_code", request(stack))
    for changes, error in (
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": f"{stack.url}/other"}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"client_id": OPERATORS}, "invalid_grant"),
        ({"client_id": "another"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ):
        answer = redeem(stack, code, **changes)
        assert (answer.status, answer.json["error"]) == (401 if error == "invalid_client" else 400, error)
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) == (error == "invalid_client")
        assert VERIFIER not in answer.body.decode()
    tokens = redeem(stack, code).json
    assert redeem(stack, code).json["error"] == "invalid_grant"
    assert refresh(stack, tokens["refresh_token"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"scope": "openid operator"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_granted_is_told_to_the_client(stack: Stack, changes: Json, error: str) -> None:
    asked = request(stack, **changes)
    back = sent_back(stack.send("GET", f"{PROVIDER}/authorize?{urlencode(asked)}"))
    assert (back["error"], back["state"]) == (error, "the & state")
    assert sent_back(post(stack, "/sign-in", {**asked, "account": "x", "decision": "allow"}))["error"] == error


@pytest.mark.parametrize("changes", [{"redirect_uri": "https://evil.example/"}, {"client_id": "another"}], ids=str)
def test_nobody_is_sent_to_an_address_of_somebody_else(stack: Stack, changes: Json) -> None:
    asked = request(stack, **changes)
    for answer in (
        stack.send("GET", f"{PROVIDER}/authorize?{urlencode(asked)}"),
        post(stack, "/sign-in", {**asked, "account": "x", "decision": "allow"}),
    ):
        assert answer.status == 400
        assert "location" not in answer.headers
        assert b"evil.example" not in answer.body


def test_the_page_shows_what_was_sent_as_text_and_runs_nothing(stack: Stack) -> None:
    hostile = '"><script>alert(1)</script>'
    asked = request(stack, state=hostile, login_hint=hostile)
    page = stack.send("GET", f"{PROVIDER}/authorize?{urlencode(asked)}")
    assert b"<script" not in page.body
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": f"'self' {stack.url}/",
    }
    assert page.headers["cache-control"] == "no-store"
    (style,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page.body.decode())
    assert stack.send("GET", style).headers["content-type"].startswith("text/css")


def test_cancelling_is_told_and_an_account_that_is_none_is_asked_for_again(stack: Stack) -> None:
    asked = request(stack)
    assert sent_back(post(stack, "/sign-in", {**asked, "decision": "deny"}))["error"] == "access_denied"
    for account in ("", "é" * 128):
        again = post(stack, "/sign-in", {**asked, "account": account, "decision": "allow"})
        assert again.status == 400
        assert b'aria-invalid="true"' in again.body


def test_a_form_that_another_site_sends_is_refused(stack: Stack) -> None:
    form = {**request(stack), "account": "x", "decision": "allow"}
    for path in ("/sign-in", "/device/sign-in"):
        assert post(stack, path, form, Origin="https://evil.example").status == 403
        assert post(stack, path, form, Origin="null").status == 403
    assert post(stack, "/sign-in", form, Origin=stack.url).status == 303


def test_answers_are_for_pages_of_this_stack_alone(stack: Stack) -> None:
    path = f"{PROVIDER}/.well-known/openid-configuration"
    mine = f"http://localhost:{stack.port}"
    assert stack.send("GET", path, headers={"Origin": mine}).headers["access-control-allow-origin"] == mine
    assert "access-control-allow-origin" not in stack.send("GET", path, headers={"Origin": "https://a.example"}).headers
    preflight = stack.send("OPTIONS", f"{PROVIDER}/token", headers={"Origin": mine})
    assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (204, "POST")


def waiting_device(stack: Stack) -> Json:
    answer = post(
        stack, "/device_authorization", {"client_id": COMMAND_LINE, "scope": "openid offline_access operator"}
    )
    assert answer.status == 200, answer
    waits: Json = answer.json
    return waits


def poll(stack: Stack, waits: Json) -> Answer:
    form = {"grant_type": flows.DEVICE_GRANT, "device_code": waits["device_code"], "client_id": COMMAND_LINE}
    return post(stack, "/token", form)


def test_a_device_signs_in_once_its_code_was_typed_elsewhere(stack: Stack) -> None:
    waits = waiting_device(stack)
    assert poll(stack, waits).json["error"] == "authorization_pending"
    assert poll(stack, waits).json["error"] == "slow_down"
    page = stack.send("GET", waits["verification_uri_complete"].removeprefix(stack.url))
    assert waits["user_code"].encode() in page.body
    assert post(stack, "/device", {"user_code": waits["user_code"].lower()}).status == 200
    form = {"user_code": waits["user_code"], "account": "ops", "operator": "yes", "decision": "allow"}
    assert b"Signed in" in post(stack, "/device/sign-in", form).body
    assert post(stack, "/device/sign-in", form).status == 400
    tokens = poll(stack, waits).json
    assert tokens["scope"] == "openid offline_access operator"
    bearer = f"Bearer {tokens['access_token']}"
    assert stack.api("PUT", TIER, "", {"available": True}, Authorization=bearer).status == 200
    assert poll(stack, waits).json["error"] == "invalid_grant"
    assert refresh(stack, tokens["refresh_token"], COMMAND_LINE).status == 200


def test_a_device_is_denied_and_an_unknown_code_is_asked_for_again(stack: Stack) -> None:
    waits = waiting_device(stack)
    form = {"user_code": waits["user_code"], "decision": "deny"}
    assert b"Denied" in post(stack, "/device/sign-in", form).body
    assert poll(stack, waits).json["error"] == "access_denied"
    for path in ("/device", "/device/sign-in"):
        again = post(stack, path, {"user_code": "BCDF-GHJK"})
        assert again.status == 400
        assert b"No device waits" in again.body
    refused = post(stack, "/device_authorization", {"client_id": CONSOLE})
    assert (refused.status, refused.json["error"]) == (400, "unauthorized_client")


def test_signing_out_ends_the_sign_in_and_goes_back_to_the_clients_address_alone(stack: Stack) -> None:
    tokens = redeem(stack, agreed(stack, "acct_out", request(stack))).json
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{stack.url}/", "state": "s"}
    for changes in (
        {"id_token_hint": "none"},
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"client_id": OPERATORS},
    ):
        assert stack.send("GET", f"{PROVIDER}/logout?{urlencode({**asked, **changes})}").status == 400
    left = stack.send("GET", f"{PROVIDER}/logout?{urlencode(asked)}")
    assert (left.status, left.headers["location"]) == (303, f"{stack.url}/?state=s")
    assert refresh(stack, tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert stack.send("GET", f"{PROVIDER}/logout").status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/token", 405),
        ("PUT", "/authorize", 405),
        ("GET", "/sign-in", 405),
        ("GET", "/userinfo", 401),
        ("GET", "/nothing", 404),
        ("POST", "/token", 400),
    ],
)
def test_what_is_asked_wrongly_is_told_so(stack: Stack, method: str, path: str, status: int) -> None:
    answer = stack.send(method, f"{PROVIDER}{path}", b"{}" if method == "POST" else None)
    assert answer.status == status
    if status == 405:
        assert answer.headers["allow"]


def test_a_token_that_is_none_names_nobody(stack: Stack) -> None:
    answer = stack.send("GET", f"{PROVIDER}/userinfo", headers={"Authorization": "Bearer none.of.these"})
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_the_stack_serves_the_configuration_that_the_console_signs_in_by(stack: Stack) -> None:
    config: Any = json.loads(stack.send("GET", "/config.json").body)
    assert config["customer"]["issuer"] == f"{stack.url}{PROVIDER}"
    page = stack.send("GET", "/")
    assert page.status in {200, 404}  # as the console is built or not
    assert stack.url in page.headers["content-security-policy"]
