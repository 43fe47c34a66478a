"""Rules of operators who release holds: any that there ever was, by any id that it has had, and by one of nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.support.machine import ANY, FAULTS, Machine, refusable

if TYPE_CHECKING:
    from tests.support.machine import Fault, Json
    from tests.support.world import World

NOBODYS = "auth_" + "A" * 120


def released(world: World, subscription_id: str, authorization_id: str) -> Json:
    world.release(subscription_id, authorization_id)
    return {}


class ReleaseRules(Machine):
    """What operators do to holds."""

    @precondition(lambda self: self.grants())
    @rule(which=st.integers(0, 5), steps_late=st.sampled_from((0, 0, 0, 1, 5)), fault=FAULTS)
    def release(self, which: int, steps_late: int, fault: Fault) -> None:
        """Release one of the newest grants, by its newest id or an earlier one."""
        self.assert_released(-1 - which, steps_late, fault)

    release_often = release

    @precondition(lambda self: self.grants())
    @rule(which=ANY, fault=FAULTS)
    def release_any(self, which: int, fault: Fault) -> None:
        """Release any grant there ever was."""
        self.assert_released(which, 0, fault)

    @precondition(lambda self: self.grants())
    @rule(which=ANY, fault=FAULTS)
    def release_what_is_not_of_it(self, which: int, fault: Fault) -> None:
        """Release by an id that was never issued, and by one of another subscription."""
        bought, _, grant = self.grants()[which % len(self.grants())]
        others = [other for other in self.bought if other is not bought]
        asked = [(bought.id, NOBODYS), *((other.id, grant.authorization_id) for other in others[:1])]
        for subscription_id, authorization_id in asked:
            world = self.faulty(fault)
            answer = refusable(lambda: released(world, subscription_id, authorization_id))  # noqa: B023 - run at once
            assert answer == "authorization_not_found"

    def assert_released(self, which: int, steps_late: int, fault: Fault) -> None:
        """Release a grant, and note what has become of it: nothing, unless it was open."""
        grants = self.grants()
        bought, book, grant = grants[which % len(grants)]
        ids = [*grant.earlier_ids, grant.authorization_id]
        world = self.faulty(fault)
        authorization_id = ids[max(0, len(ids) - 1 - steps_late)]
        assert refusable(lambda: released(world, bought.id, authorization_id)) == {}
        if grant.open_at(self.now_ms):
            grant.released = True
            self.events["hold.released"] += 1
        book.look(self.now_ms)
