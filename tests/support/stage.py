"""A scene that is set up time and again, as it was, without its commands being carried out anew.

Rule: what is stored, what the clock says and what the process remembers is all that a scene consists of.
"""

from __future__ import annotations

import contextlib
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support import stored_items
from tests.support.world import STORE_CLIENT, new_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.scenes import MakeScene, Scene
    from tests.support.stored_items import Items


class Stage:
    """A scene on tables of its own; `revisions` tells whether it is compared how often a place was written."""

    def __init__(self, made: Scene, *, revisions: bool) -> None:
        world, self.revisions = made.world, revisions
        self._made, self._now_ms, self._refusals = made, world.clock.now_ms, deepcopy(world.refusals)
        self._calls = -1
        self._items = self.read()

    def set_up(self) -> Scene:
        """The scene as it was first, in a process that remembers what that one did."""
        world = self._made.world
        if len(world.recorder.calls) != self._calls:
            self.read()
        stored_items.write(world.quick, world.template, self._items, self._left)
        self._calls = -1  # it may be the tests' own client that writes next
        world.clock.now_ms = self._now_ms
        again = replace(world, refusals=deepcopy(self._refusals))
        return replace(self._made, world=again, authorization_ids=[*self._made.authorization_ids])

    def read(self) -> Items:
        """All that is stored; only the service may write between this and the next time that the scene is set up."""
        world = self._made.world
        self._left, self._calls = stored_items.read(world.quick, world.template), len(world.recorder.calls)
        return self._left


@contextlib.contextmanager
def stage_of(
    engine: str, make: MakeScene, store_client: str = STORE_CLIENT, *, revisions: bool = True
) -> Iterator[Stage]:
    """A stage for a scene."""
    world = new_world(engine, store_client=store_client)
    yield Stage(make(world), revisions=revisions)
    world.drop_tables()
