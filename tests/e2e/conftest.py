"""One stack for the whole session, on the session's engine, so that tests may also look at what is stored."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.support import stack as support

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Stack


@pytest.fixture(scope="session")
def stack(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack whose clock stands still, and is only ever moved forward."""
    data = str(tmp_path_factory.mktemp("stack"))
    with support.running(AWS_ENDPOINT_URL_DYNAMODB=engine, DATA=data) as running:
        running.move_clock(advanceSeconds=0)
        yield running
        status, errors = running.end()
    assert (status, errors) == (0, "")


@pytest.fixture(scope="session")
def new_account() -> Callable[[], str]:
    """An account that nobody has used yet."""
    numbers = itertools.count(1)
    return lambda: f"acct_{next(numbers)}"
