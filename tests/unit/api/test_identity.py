"""Who calls: the account is the `sub` claim, and a claim that cannot name one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.api.identity import account_of
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
