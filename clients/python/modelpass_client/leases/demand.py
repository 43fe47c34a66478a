"""What a lease wants, when it may ask for it, and whether a lease is worth it. Rule: pure; times are given.

Away from the end of a limit it asks at most three times a second, however many requests come. Once its share is what
bounds it, it asks as soon as it needs more, for there others wait for what it holds. When its share is worth no more
than two typical requests, little is left: it rests, holds nothing for requests to come, and these ask one by one.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.leases.sizing import Left, Rate

if TYPE_CHECKING:
    from modelpass_client.leases.rule import Hold
    from modelpass_client.leases.tuning import Tuning

Json = dict[str, Any]

SENDS_A_SECOND: Final = 3
_GAP_WHEN_LIMITED_MS: Final = 50
_FIRST_REST_MS: Final = 1000
_LONGEST_REST_MS: Final = 60_000
_PROBE_OLDER_MS: Final = 600_000
_MOST_TRIES: Final = 5
_LITTLE: Final = 2
"""A share below so many typical requests is too little for a lease; it has to be twice that to begin anew."""


@dataclass
class Age:
    """What the leases of a process know of the service: until when it is taken for one without holds that go on."""

    older_until_ms: int = 0

    def is_older(self, now_ms: int) -> None:
        """Ask for no lease for ten minutes, after which the service may be a newer one."""
        self.older_until_ms = now_ms + _PROBE_OLDER_MS


class Wish:
    """A request that waits for room; `after` is the number of the last send that did not ask for it."""

    __slots__ = ("after", "calls", "least", "over", "prompt_units", "tries", "units")

    def __init__(self, units: int, calls: int, least: int, prompt_units: int | None, after: int) -> None:
        """Wait for `units`, of which the hold must have `least` free."""
        self.units, self.calls, self.least = units, calls, least
        self.prompt_units = prompt_units
        self.after = after
        self.over = False
        self.tries = 0


class Demand:
    """What one lease wants; `low_units` and `low_calls` are half of it, below which it asks for more."""

    def __init__(self, tuning: Tuning, age: Age) -> None:
        """Want nothing yet."""
        self._tuning, self._age = tuning, age
        self.rate, self.left = Rate(), Left()
        self.wishes: dict[Wish, None] = {}
        self.low_units = self.low_calls = 0
        self.scarce = False
        self._limited = False
        self._rest_until_ms = self._rest_ms = 0
        self._sends: collections.deque[int] = collections.deque(maxlen=SENDS_A_SECOND)

    # -- whether

    def active(self, now_ms: int) -> bool:
        """Whether somebody asked lately, or waits."""
        last_ms = self.rate.last_ms
        return bool(self.wishes) or (last_ms is not None and now_ms - last_ms < self._tuning.idle_ms)

    def rests(self, now_ms: int) -> bool:
        """Whether nothing is to be held for requests to come."""
        return self.scarce or now_ms < max(self._rest_until_ms, self._age.older_until_ms)

    def rest(self, now_ms: int) -> None:
        """Ask for no hold for a while, longer each time: one was refused."""
        self._rest_ms = min(_LONGEST_REST_MS, max(_FIRST_REST_MS, 2 * self._rest_ms))
        self._rest_until_ms = now_ms + self._rest_ms

    def wake(self) -> None:
        """Rest no more: something was granted."""
        self._rest_until_ms = self._rest_ms = 0

    def see(self, answer: Json, hold: Hold | None, now_ms: int) -> None:
        """Learn from an answer what is left."""
        self.left.see(answer)
        self._judge(hold, now_ms)

    def _judge(self, hold: Hold | None, now_ms: int) -> None:
        share = self.share(hold)
        if share is None:
            return
        units, calls = self.rate.typical(now_ms)
        least = _LITTLE * (2 if self.scarce else 1)
        self.scarce = share[0] < max(1, least * units) or share[1] < max(1, least * calls)
        if self.scarce:
            self._limited = True
            self.low_units = self.low_calls = 0

    # -- how much

    def share(self, hold: Hold | None) -> tuple[int, int] | None:
        """The most units and calls to hold free; None: nobody has said yet what is left."""
        return self.left.share(0, 0) if hold is None else self.left.share(hold.free_units, hold.free_calls)

    def may_fit(self, wish: Wish, hold: Hold | None, now_ms: int) -> bool:
        """Whether waiting may help a request."""
        share = self.share(hold)
        return not self.rests(now_ms) and (share is None or (wish.least <= share[0] and wish.calls <= share[1]))

    def may_wait_on(self, wish: Wish, asked: int) -> bool:
        """Whether a request that was asked for and found no room may be asked for again: others were quicker."""
        wish.after = asked
        wish.tries += 1
        return not self._limited and wish.tries < _MOST_TRIES

    def want(self, hold: Hold | None, now_ms: int) -> tuple[int, int]:
        """How many units and calls to hold for requests to come, from now on."""
        self._judge(hold, now_ms)
        wanted = (0, 0) if self.rests(now_ms) else self._wanted(self.share(hold), now_ms)
        self.low_units, self.low_calls = wanted[0] // 2, wanted[1] // 2
        return wanted

    def _wanted(self, share: tuple[int, int] | None, now_ms: int) -> tuple[int, int]:
        wished = sum(wish.least for wish in self.wishes), sum(wish.calls for wish in self.wishes)
        most_units, most_calls = self._tuning.most_units, self._tuning.most_calls
        if share is None:  # as little as will do, until an answer tells what is left
            return min(most_units, max(1, wished[0])), min(most_calls, max(1, wished[1]))
        rate = self.rate.per_second(now_ms) if self.active(now_ms) else (0, 0)
        ahead = [max(wished[n], rate[n] * self._tuning.ahead_ms // 1000) for n in (0, 1)]
        units, calls = min(most_units, ahead[0]), min(most_calls, ahead[1])
        if calls:
            units = max(1, units)  # a request that estimates nothing still needs a month with something left
        self._limited = share[0] < units or share[1] < calls
        return min(units, share[0]), min(calls, share[1])

    # -- when

    def needs_more(self, hold: Hold, asked: int) -> bool:
        """Whether a hold is below half of what was wanted, or somebody waits who came after the send number `asked`."""
        if hold.free_units < self.low_units or hold.free_calls < self.low_calls:
            return True
        return any(wish.after == asked for wish in self.wishes)

    def sent(self, now_ms: int) -> None:
        """Note a send."""
        self._sends.append(now_ms)

    def soonest_ms(self) -> int:
        """When the next send is allowed."""
        if self._limited:
            return self._sends[-1] + _GAP_WHEN_LIMITED_MS if self._sends else 0
        return self._sends[0] + 1000 if len(self._sends) == SENDS_A_SECOND else 0
