"""Which tokens are accepted. Rule: without a valid one, API Gateway answers with its own body, and no function runs."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local import settings
from local.apigateway import jwts
from local.machine import ROOT
from tests.support.stack import claims_of, jwt_of, run_to_end

if TYPE_CHECKING:
    from tests.support.stack import Answer, Stack

ROUTES = [
    ("GET", "/v1/models"),
    ("POST", "/v1/subscriptions"),
    ("GET", "/v1/subscriptions/sub_x"),
    ("GET", "/v1/subscriptions/sub_x/usage"),
    ("POST", "/v1/subscriptions/sub_x/renew"),
]


def signed(key: ec.EllipticCurvePrivateKey | None = None, **changes: Any) -> str:
    """A token of the stack with other claims; None takes one out."""
    claims = {**claims_of(jwt_of("acct_x")), **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key or jwts.signing_key(settings.key_folder()), jwts.ALGORITHM)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str) -> str:
    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims_of(jwt_of('acct_x')))}."


def signed_with_the_public_key() -> str:
    """The public key taken for a shared secret: what a verifier that trusts `alg` would accept."""
    public = jwts.signing_key(settings.key_folder()).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = unsigned("HS256").rstrip(".")
    return f"{text}.{base64.urlsafe_b64encode(hmac.digest(pem, text.encode(), 'sha256')).rstrip(b'=').decode()}"


def ask(stack: Stack, authorization: str | None, method: str = "GET", path: str = "/v1/models") -> Answer:
    return stack.send(method, path, None, {} if authorization is None else {"Authorization": authorization})


BAD = {
    "none": None,
    "empty": "",
    "no token": "Bearer ",
    "not a token": "Bearer x",
    "three dots": "Bearer ...",
    "not ASCII": "Bearer é.é.é",
    "basic": "Basic YTpi",
}


@pytest.mark.parametrize("case", BAD)
def test_without_a_token_nobody_comes_in(stack: Stack, case: str) -> None:
    assert_unauthorized(ask(stack, BAD[case]))


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_every_route_asks_for_a_token(stack: Stack, route: tuple[str, str]) -> None:
    assert_unauthorized(ask(stack, None, *route))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 3600},
        {"aud": "another"},
        {"aud": None},
        {"aud": []},
        {"aud": [{"modelpass": 1}]},
        {"aud": "another", "client_id": "modelpass"},
        {"aud": None, "client_id": "another"},
        {"iss": "https://another.example"},
        {"iss": None},
    ],
    ids=" ".join,  # a time in an id would be another in each worker
)
def test_a_token_for_another_time_or_place_is_refused(stack: Stack, changes: dict[str, Any]) -> None:
    assert ask(stack, f"Bearer {signed()}").status == 200
    assert_unauthorized(ask(stack, f"Bearer {signed(**changes)}"))


@pytest.mark.parametrize(
    "changes", [{"aud": ["another", "modelpass"]}, {"aud": None, "client_id": "modelpass"}], ids=str
)
def test_a_token_of_another_shape_for_this_audience_is_accepted(stack: Stack, changes: dict[str, Any]) -> None:
    assert ask(stack, f"Bearer {signed(**changes)}").status == 200


def test_a_token_signed_by_another_key_is_refused(stack: Stack) -> None:
    assert_unauthorized(ask(stack, f"Bearer {signed(ec.generate_private_key(ec.SECP256R1()))}"))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "ES256"])
def test_an_unsigned_token_is_refused(stack: Stack, algorithm: str) -> None:
    assert_unauthorized(ask(stack, f"Bearer {unsigned(algorithm)}"))


def test_a_token_signed_with_the_public_key_is_refused(stack: Stack) -> None:
    assert_unauthorized(ask(stack, f"Bearer {signed_with_the_public_key()}"))


def test_a_changed_token_is_refused(stack: Stack) -> None:
    head, _, signature = signed().split(".")
    forged = part({**claims_of(jwt_of("acct_x")), "sub": "acct_other"})
    assert_unauthorized(ask(stack, f"Bearer {head}.{forged}.{signature}"))


@pytest.mark.parametrize("subject", ["", "s" * 256, "é" * 128, None])
def test_a_token_without_a_usable_subject_is_refused(stack: Stack, subject: str | None) -> None:
    answer = ask(stack, f"Bearer {signed(sub=subject)}", path="/v1/subscriptions/sub_x")
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_request", "sub")


def test_a_subject_of_255_bytes_is_an_account(stack: Stack) -> None:
    account = "é" * 127 + "x"
    assert stack.buy(account)["status"] == "active"


def test_the_printed_token_stands_alone_and_works(stack: Stack) -> None:
    printed = run_to_end(ROOT, "local", "token", ACCOUNT="acct_printed", SCOPE="operator")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == printed.stdout.strip() + "\n"
    assert ask(stack, f"Bearer {printed.stdout.strip()}").status == 200
    claims = claims_of(printed.stdout)
    assert (claims["sub"], claims["scope"]) == ("acct_printed", "operator")
    assert 23 * 3600 < claims["exp"] - time.time() <= 24 * 3600


def test_a_token_needs_an_account(stack: Stack) -> None:
    printed = run_to_end(ROOT, "local", "token", PORT=str(stack.port), ACCOUNT="")
    assert (printed.returncode, printed.stdout) == (2, "")
    assert printed.stderr.count("\n") == 1


def assert_unauthorized(answer: Answer) -> None:
    assert (answer.status, answer.json) == (401, {"message": "Unauthorized"})
