"""What every test of an example may use. Rule: each customer has an account of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.examples.gateways import Customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack


@pytest.fixture
def buy(stack: Stack, new_account: Callable[[], str]) -> Callable[..., Customer]:
    def bought(calls: int = 50, cap: int = 100_000) -> Customer:
        account = new_account()
        line = {"modelId": "claude-opus-4-6", "channelTier": "stable", "dailyCallLimit": calls, "monthlyTokenCap": cap}
        return Customer(stack, account, stack.buy(account, {"models": [line]}))

    return bought
