"""A service in real time on the engine, for routers that decide by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.embedded import in_real_time
from tests.support.world import new_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World


@pytest.fixture
def live(engine: str) -> Iterator[World]:
    """A service of which nothing stands still."""
    made = new_world(engine)
    yield in_real_time(made)
    made.drop_tables()
