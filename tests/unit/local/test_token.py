"""`make token` prints what the stack of its parameters knows an account and an operator by."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from local import token

NAMES = "OperatorClaim=roles OperatorValue=Model.Operator AccountClaim=org_id"


def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **environment: str) -> dict[str, Any]:
    """The claims of the token that is printed in this environment."""
    for name in ("ACCOUNT", "SCOPE", "CLAIMS", "PARAMETERS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert token.main() == 0
    claims: dict[str, Any] = jwt.decode(capsys.readouterr().out.strip(), options={"verify_signature": False})
    return {name: value for name, value in claims.items() if name not in {"iat", "nbf", "exp", "iss", "aud"}}


@pytest.mark.parametrize(
    ("environment", "claims"),
    [
        ({}, {"sub": "one"}),
        ({"SCOPE": "operator"}, {"sub": "one", "scope": "operator"}),
        ({"SCOPE": "read operator"}, {"sub": "one", "scope": "read operator"}),
        ({"PARAMETERS": NAMES}, {"sub": "one", "org_id": "one"}),
        ({"PARAMETERS": NAMES, "SCOPE": "operator"}, {"sub": "one", "org_id": "one", "roles": "Model.Operator"}),
        ({"PARAMETERS": NAMES, "SCOPE": "a operator"}, {"sub": "one", "org_id": "one", "roles": "a Model.Operator"}),
        ({"CLAIMS": '{"roles": ["a", "b"], "sub": "two"}'}, {"sub": "two", "roles": ["a", "b"]}),
        ({"PARAMETERS": NAMES, "CLAIMS": '{"org_id": null}'}, {"sub": "one"}),
    ],
    ids=str,
)
def test_token_has_the_claims_of_the_parameters_and_those_given_over_them(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    claims: dict[str, Any],
) -> None:
    assert printed(monkeypatch, capsys, ACCOUNT="one", **environment) == claims


@pytest.mark.parametrize("text", ["{", "[]", "1", '"sub"', "null", "roles=operator"])
def test_claims_that_are_no_object_are_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    monkeypatch.setenv("ACCOUNT", "one")
    monkeypatch.setenv("CLAIMS", text)
    assert token.main() == 1
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("CLAIMS must be an object in JSON")
