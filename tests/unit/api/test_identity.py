"""Who calls: the account is the claim that the deployment names, and a claim that cannot name one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.api import identity
from modelpass.api.claims import DEFAULTS
from modelpass.api.identity import account_of, caller_of, operator_of, subject_of
from modelpass.errors import ErrorCode, Refused
from tests.support.http_events import event_of


@pytest.mark.parametrize("subject", ["a", "auth0|5f7c", "é" * 127, "a" * 255, "account#other"])
def test_account_is_the_sub_claim(subject: str) -> None:
    assert account_of(event_of(claims={"sub": subject, "scope": "operator"})) == subject


@pytest.mark.parametrize("claims", [{}, {"sub": ""}, {"sub": "a" * 256}, {"sub": "é" * 128}, {"sub": 7}, {"sub": None}])
def test_sub_claim_of_other_length_or_type_is_refused(claims: Any) -> None:
    with pytest.raises(Refused) as caught:
        account_of(event_of(claims=claims))
    assert (caught.value.refusal.code, caught.value.refusal.param) == (ErrorCode.INVALID_REQUEST, "sub")


def test_event_without_claims_has_no_account() -> None:
    with pytest.raises(Refused):
        account_of(event_of())


def test_account_is_the_claim_that_the_deployment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "NAMES", DEFAULTS._replace(account="https://example.com/org_id"))
    event = event_of(claims={"sub": "ada", "https://example.com/org_id": "org_9"})
    assert (account_of(event), caller_of(event.raw_event)) == ("org_9", "org_9")
    assert (operator_of(event), subject_of(event.raw_event)) == ("ada", "ada")


@pytest.mark.parametrize(
    "claims", [{}, {"org_id": ""}, {"org_id": "[org_1 org_2]"}, {"org_id": ["org_1"]}, {"org_id": 7}]
)
def test_refusal_names_the_claim_that_names_no_account(monkeypatch: pytest.MonkeyPatch, claims: Any) -> None:
    monkeypatch.setattr(identity, "NAMES", DEFAULTS._replace(account="org_id"))
    event = event_of(claims={"sub": "ada", **claims})
    with pytest.raises(Refused) as caught:
        account_of(event)
    assert (caught.value.refusal.code, caught.value.refusal.param) == (ErrorCode.INVALID_REQUEST, "org_id")
    assert caller_of(event.raw_event) is None
    assert operator_of(event) == "ada"


@pytest.mark.parametrize("claims", [{}, {"sub": ""}, {"sub": 7}, {"org_id": "org_1"}])
def test_operator_who_has_to_be_named_has_a_subject(claims: Any) -> None:
    with pytest.raises(Refused) as caught:
        operator_of(event_of(claims={"scope": "operator", **claims}))
    assert (caught.value.refusal.code, caught.value.refusal.param) == (ErrorCode.INVALID_REQUEST, "sub")


@pytest.mark.parametrize("authorizer", [None, {}, {"jwt": None}, {"jwt": {"claims": None}}])
def test_event_without_claims_names_nobody(authorizer: Any) -> None:
    event = event_of(claims={})
    event.raw_event["requestContext"]["authorizer"] = authorizer
    assert not identity.is_operator(event)
    with pytest.raises(Refused):
        account_of(event)
