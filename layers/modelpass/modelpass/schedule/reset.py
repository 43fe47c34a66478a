"""Reset: housekeeping of what is due. Rule: run late, twice, in parallel or never, it changes no decision.

It finds its work in the due indexes, shard by shard, so its cost grows with activity and not with the number of
subscriptions. What each item needs is decided and written by the commands. Each of their writes is guarded: when
another writer comes between, the write fails, and the item is found again by the next run if it is still due. Before
all that, it keeps the item up that tells authorize which tiers are down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from modelpass.catalogue.commands.tier_upkeep import bring_up_tiers
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.entitlements.commands.roll_over import roll_over
from modelpass.errors import Refused
from modelpass.runtime import telemetry
from modelpass.schedule.due_index import OutOfTimeError, due
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions.commands.expire import expire
from modelpass.subscriptions.commands.read_contract import read_contract
from modelpass.times import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.runtime.deps import Deps
    from modelpass.schema import Item


@dataclass(slots=True)
class Tally:
    """What one run did. `more` tells that work is left for the next run.

    `lag_ms` is how long the oldest item had been due (milliseconds).
    """

    windows_rolled: int = 0
    subscriptions_expired: int = 0
    holds_released: int = 0
    more: bool = False
    lag_ms: int = 0

    def answer(self) -> dict[str, Any]:
        """The function's result."""
        return {
            "windowsRolled": self.windows_rolled,
            "subscriptionsExpired": self.subscriptions_expired,
            "holdsReleased": self.holds_released,
            "more": self.more,
        }


def reset(deps: Deps, stop_at: float) -> dict[str, Any]:
    """Do what is due until all is done, the steady clock shows `stop_at` (seconds), or the store stays busy.

    An item that cannot be read, or whose write the store rejects, is reported, left as it is, and passed over.
    """
    tally = Tally()
    bring_up_tiers(deps)
    try:
        _work_off(deps, stop_at, tally)
    except (Refused, OutOfTimeError):
        tally.more = True  # the store is busy or slow: whatever was not done stays due
    if tally.lag_ms or not tally.more:  # a run that was stopped before it found anything cannot tell the lag
        telemetry.reset_lag(tally.lag_ms // MS_PER_SECOND)
    return tally.answer()


def _work_off(deps: Deps, stop_at: float, tally: Tally) -> None:
    for table, step in ((deps.tables.subscriptions, _conclude), (deps.tables.entitlements, _roll_over)):
        for key, since_ms in due(deps, table, stop_at):
            late_ms = deps.now_ms() - since_ms
            in_time = deps.pacing.monotonic() < stop_at
            if not in_time or _carry_out(partial(step, deps, key, tally), tally):
                tally.lag_ms = max(tally.lag_ms, late_ms)
            if not in_time:
                tally.more = True
                return


def _conclude(deps: Deps, key: Item, tally: Tally) -> None:
    tally.subscriptions_expired += expire(deps, key)


def _roll_over(deps: Deps, key: Item, tally: Tally) -> None:
    for step in roll_over(deps, key, read_contract):
        tally.windows_rolled += (step.closed_day is not None) + (step.closed_month is not None)
        tally.holds_released += len(step.tickets)


def _carry_out(step: Callable[[], None], tally: Tally) -> bool:
    """Do what is due on one item; False for an item that cannot be read, which tells nothing about a lag."""
    try:
        step()
    except UnreadableItemError:
        return False  # it is reported, and its alarm is another one
    except ConditionFailedError:
        pass  # another writer did it, or changed the item, which is then due again if need be
    except (StoreBusyError, Refused):
        tally.more = True
    except Exception as error:  # one item whose write the store rejects must not stop the others
        telemetry.report_unexpected(error)
    return True
