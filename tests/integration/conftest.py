"""What tests of the deployed handlers share: a service with tables of its own for each module, and our own clock."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.support.handlers import Service, deployed_on
from tests.support.world import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

_accounts = itertools.count()


@pytest.fixture(scope="module")
def service(engine: str) -> Iterator[Service]:
    with deployed_on(engine) as service:
        yield service


@pytest.fixture
def own_service(engine: str) -> Iterator[Service]:
    """A service whose tables are those of one test."""
    with deployed_on(engine) as service:
        yield service


@pytest.fixture
def account() -> str:
    """An account that nobody has used yet."""
    return f"acct_{next(_accounts)}"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of every function, which stands still until it is moved."""
    clock = Clock()
    monkeypatch.setattr("modelpass.runtime.wiring.clock", clock)
    return clock
