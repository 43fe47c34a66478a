"""Functions that write the version before and functions that write the newest, on the same tables by turns.

So it is while a deployment is under way, and after it was taken back: whatever one made the other goes on with, and
all that is answered and stored is what the ledger says.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from modelpass import schema
from tests.property.test_service import STEPS, ServiceMachine

if TYPE_CHECKING:
    from tests.support.world import World

VERSIONS = (schema.PREVIOUS, schema.NEWEST)


class SideBySideMachine(ServiceMachine):
    """Each call goes to functions that write another version than those that took the call before.

    Calls that no version before had go to those that write the newest: the others refuse them.
    """

    seen: ClassVar[Counter[str]] = Counter()
    may_approve = False

    @property
    def world(self) -> World:
        """The functions whose turn it is."""
        return next(self._worlds)

    @world.setter
    def world(self, made: World) -> None:
        worlds = [made.writing(version) for version in VERSIONS]
        self._worlds, self._newest = cycle(worlds), worlds[-1]

    @property
    def newest(self) -> World:
        """The functions that write the newest version."""
        return self._newest

    def teardown(self) -> None:
        """Note which versions there were."""
        stored = [item for table in self.world.names() for item in self.world.all_items(table)]
        type(self).seen += Counter(item["v"]["N"] for item in stored if item["pk"]["S"] != "catalogue")
        super().teardown()


@pytest.mark.usefixtures("few_shards")
def test_functions_that_write_two_versions_agree_with_one_ledger(engine: str) -> None:
    how = settings(
        max_examples=max(3, settings().max_examples // 30),
        stateful_step_count=STEPS,
        deadline=None,  # steps are counted, not timed
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    SideBySideMachine.seen.clear()
    run_state_machine_as_test(partial(SideBySideMachine, engine), settings=how)  # type: ignore[arg-type] # takes a factory
    sys.stdout.write(f"{dict(SideBySideMachine.seen)} items by version\n")
    assert set(SideBySideMachine.seen) == {str(version) for version in VERSIONS}
