"""Operators are let through by the scope of their token, in every form that the gateway shows it in."""

from __future__ import annotations

from typing import Any

import pytest

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
        ({"scope": ["operator"]}, False),
        ({"scp": "operator"}, False),
    ],
    ids=str,
)
def test_operators_are_known_by_their_scope(claims: Any, *, operator: bool) -> None:
    if operator:
        require_operator(event_of(claims=claims))
        return
    with pytest.raises(Refused) as caught:
        require_operator(event_of(claims=claims))
    assert caught.value.refusal.code is ErrorCode.FORBIDDEN
