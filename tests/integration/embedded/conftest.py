"""A world in real time, which is what the engine's replies show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.embedded import in_real_time, routers
from tests.support.world import new_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.embedded import Opens
    from tests.support.world import World


@pytest.fixture
def live(engine: str) -> Iterator[World]:
    """A service of which nothing stands still."""
    made = new_world(engine)
    yield in_real_time(made)
    made.drop_tables()


@pytest.fixture
def opens(live: World, engine: str) -> Iterator[Opens]:
    """Opens routers on that service."""
    with routers(live, engine) as opened:
        yield opened
