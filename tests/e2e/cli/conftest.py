"""Fixtures of the command line's tests: an operator, a customer, and what the customer bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import CommandLine
from tests.support.stack import jwt_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.stack import Stack

    NewAccount = Callable[[], str]


@pytest.fixture
def operator(stack: Stack, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, stack.url, jwt_of("operator", "operator"))


@pytest.fixture
def account(new_account: NewAccount) -> str:
    return new_account()


@pytest.fixture
def customer(stack: Stack, tmp_path: Path, account: str) -> CommandLine:
    return CommandLine(tmp_path, stack.url, jwt_of(account))


@pytest.fixture
def bought(stack: Stack, account: str) -> tuple[str, str]:
    """The subscription of the account, and its key."""
    made = stack.buy(account)
    return made["subscriptionId"], made["apiKey"]
