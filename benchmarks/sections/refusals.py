"""Refusals in the order of the contract, each asked for the first time, and again and again.

Rule: a refusal changes nothing, so every store client is refused the same; what is asked for the first time is new to
the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.callers import ask
from benchmarks.setting import LONG
from tests.support.world import IMAGE_MODEL, TEXT_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.callers import Client
    from benchmarks.probing import Took
    from benchmarks.setting import Setting

Json = dict[str, Any]

FIRST: Final = 6
"""So many different keys are refused in a round."""
AGAIN: Final = 4
"""How often each is refused again."""
AGAIN_AND_AGAIN: Final = ", again"
_BOUND, _LIMIT, _CAP = 100, 100, 1_000_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to be refused: what is asked in each round."""

    name: str
    code: str
    asked: list[list[Json]]
    final: bool = False
    """It cannot reverse for this key and model."""
    same_id: bool = False
    of_settle: bool = False
    crowded: bool = False
    """Its item is larger than that of a grant, for it is full of holds."""

    def run(self, client: Client, number: int) -> Iterator[tuple[str, list[Took]]]:
        """Be refused for the first time, and again by requests with other ids."""
        probe = client.settle if self.of_settle else client.authorize
        first = self.asked[number]
        for name, events in ((self.name, first), (self.name + AGAIN_AND_AGAIN, self._repeats(first))):
            took = probe.run(events)
            assert all(each.answer["error"]["code"] == self.code for each in took), took[0]
            yield name, took

    def _repeats(self, first: list[Json]) -> list[Json]:
        if self.same_id or self.of_settle:
            return first * AGAIN
        return [{**e, "requestId": f"{e['requestId']}-{n}"} for n in range(AGAIN) for e in first]


def prepare(setting: Setting, rounds: int) -> list[Refusal]:
    """Put everything in place that is refused in so many rounds."""
    setting.world.take_down(TEXT_MODEL, "enterprise")

    def made(name: str, code: str, spoilt: Callable[[Setting, int], Json], **kind: bool) -> Refusal:
        asked = [[spoilt(setting, FIRST * r + n) for n in range(FIRST)] for r in range(rounds)]
        return Refusal(name, code, asked, **kind)

    return [
        made("malformed: `invalid_request`", "invalid_request", _malformed),
        made("forged key: `invalid_api_key`", "invalid_api_key", _forged),
        made("replaced key: `invalid_api_key`", "invalid_api_key", _replaced, final=True),
        made("`subscription_cancelled`", "subscription_cancelled", _cancelled, final=True),
        made("`subscription_expired`", "subscription_expired", _expired),
        made("`model_not_included`", "model_not_included", _other_model, final=True),
        made("`tier_not_included`", "tier_not_included", _other_tier),
        made("`request_id_reused`", "request_id_reused", _reused, same_id=True),
        made("`tier_unavailable`", "tier_unavailable", _tier_down),
        made("`tier_unavailable`, tier named", "tier_unavailable", _tier_down_and_named),
        made("`monthly_cap_reached`", "monthly_cap_reached", _over_the_cap),
        made("`daily_call_limit_reached`", "daily_call_limit_reached", _over_the_limit),
        made("`too_many_open_holds` (100)", "too_many_open_holds", _crowded, crowded=True),
        made("settle, malformed: `invalid_request`", "invalid_request", _malformed_report, of_settle=True),
        made("settle, forged: `authorization_not_found`", "authorization_not_found", _forged_report, of_settle=True),
    ]


def _new(
    setting: Setting, number: int, tier: str = "stable", limit: int = _LIMIT, days_ago: int = 0, **more: Any
) -> Json:
    bought = setting.buy(models=[model(tier=tier, calls=limit, cap=_CAP)], days_ago=days_ago)
    return {"bought": bought, **ask(bought["apiKey"], f"refused-{number}", **more)}


def _asked(made: Json) -> Json:
    return {name: value for name, value in made.items() if name != "bought"}


def _malformed(setting: Setting, number: int) -> Json:
    return _asked(_new(setting, number, calls=0))


def _forged(setting: Setting, number: int) -> Json:
    made = _asked(_new(setting, number))
    key = made["apiKey"]
    return {**made, "apiKey": key[:-1] + ("A" if key[-1] != "A" else "B")}


def _replaced(setting: Setting, number: int) -> Json:
    made = _new(setting, number)
    setting.world.regenerate(made["bought"]["subscriptionId"], made["bought"]["account"])
    return _asked(made)


def _cancelled(setting: Setting, number: int) -> Json:
    made = _new(setting, number)
    setting.world.cancel(made["bought"]["subscriptionId"], made["bought"]["account"])
    return _asked(made)


def _expired(setting: Setting, number: int) -> Json:
    return _asked(_new(setting, number, days_ago=40))


def _other_model(setting: Setting, number: int) -> Json:
    return {**_asked(_new(setting, number)), "modelId": IMAGE_MODEL}


def _other_tier(setting: Setting, number: int) -> Json:
    return _asked(_new(setting, number, channelTier="basic"))


def _reused(setting: Setting, number: int) -> Json:
    made = _asked(_new(setting, number, holdSeconds=LONG))
    granted = setting.world.authorize(made["apiKey"], made["requestId"], 1, holdSeconds=LONG)
    assert granted["allowed"]
    return made


def _tier_down(setting: Setting, number: int) -> Json:
    return _asked(_new(setting, number, tier="enterprise"))


def _tier_down_and_named(setting: Setting, number: int) -> Json:
    return _asked(_new(setting, number, tier="enterprise", channelTier="enterprise"))


def _over_the_cap(setting: Setting, number: int) -> Json:
    return _asked(_new(setting, number, estimate=_CAP + 1))


def _over_the_limit(setting: Setting, number: int) -> Json:
    return _asked(_new(setting, number, calls=_LIMIT + 1))


def _crowded(setting: Setting, number: int) -> Json:
    made = _new(setting, number, limit=10 * _BOUND)  # far from the threshold that would be announced
    setting.use(made["bought"])
    setting.hold_open(made["bought"], _BOUND)
    return _asked(made)


def _malformed_report(_: Setting, number: int) -> Json:
    return {"authorizationId": f"auth_{number}", "actualUsage": -1}


def _forged_report(_: Setting, number: int) -> Json:
    return {"authorizationId": f"auth_{number:0120d}", "actualUsage": 1}
