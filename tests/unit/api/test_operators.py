"""Operators are let through by what their token claims, and by nothing that a call does not need."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.api import identity
from modelpass.api.claims import ClaimNames
from modelpass.api.operators import require_operator
from modelpass.errors import ErrorCode, Refused
from tests.support.http_events import event_of


@pytest.mark.parametrize(
    ("claims", "operator"),
    [
        ({"scope": "operator"}, True),
        ({"scope": "read operator"}, True),
        ({"scope": "[read operator]"}, True),  # how the gateway shows a list
        ({}, False),
        ({"scope": ""}, False),
        ({"scope": "operators"}, False),
        ({"scope": "Operator"}, False),
        ({"scope": ["operator"]}, True),
        ({"scp": "operator"}, False),
    ],
    ids=str,
)
def test_operators_are_known_by_their_claim(claims: Any, *, operator: bool) -> None:
    if operator:
        require_operator(event_of(claims=claims))
        return
    with pytest.raises(Refused) as caught:
        require_operator(event_of(claims=claims))
    assert caught.value.refusal.code is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("more", [{}, {"sub": ""}, {"sub": "ada"}, {"sub": "ada", "org_id": "[one two]"}], ids=str)
def test_operator_needs_no_account_and_is_known_by_the_names_of_the_deployment(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    monkeypatch.setattr(identity, "NAMES", ClaimNames("roles", "Model.Operator", "org_id"))
    require_operator(event_of(claims={"roles": "[Model.Read Model.Operator]", **more}))
    with pytest.raises(Refused) as caught:
        require_operator(event_of(claims={"scope": "operator", "roles": "[Model.Read]", **more}))
    assert caught.value.refusal.code is ErrorCode.FORBIDDEN
