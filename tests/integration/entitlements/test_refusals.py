"""A process that remembers its refusals, on the real engine: whatever it remembers, its answers are true when given.

All requests of a `world` share one refusal cache; `another_process` has its own. What each case costs is tested in
`test_cost.py`. The service of `tests/property` keeps its refusal caches for as long as it runs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.transport import StoreBusyError
from modelpass.entitlements.refusal_cache import TTL_SECONDS, RefusalCache
from tests.support.audit import assert_conserved
from tests.support.concurrency import at_once
from tests.support.faults import FaultAt
from tests.support.lines import recorded
from tests.support.scenes import half_regenerated, stored
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request

Json = dict[str, Any]
EVERY_KIND = (TEXT_MODEL, IMAGE_MODEL, "another-model")


def code(answer: Json) -> str | None:
    return answer["error"]["code"] if "error" in answer else None


def calls(world: World, command: Callable[[], Json]) -> tuple[Json, list[str]]:
    """What a command answers, and what it asks of the store."""
    world.recorder.clear()
    return command(), list(world.recorder.calls)


def unreachable(_: str, __: Request) -> Response:
    raise StoreBusyError("injected")


def asks_without_end(world: World, **asked: Any) -> tuple[Json, list[str]]:
    """Ask twice and more, so that whatever is remembered of it is; the last answer and what it took."""
    for _ in range(2):
        world.authorize(**asked)
    return calls(world, lambda: world.authorize(**asked))


# Each: what is asked for and refused, the code, and what then happens that lets it be granted.


def next_day(world: World, _: Json) -> tuple[Json, str, Callable[[], object]]:
    return {"calls": 4}, "daily_call_limit_reached", lambda: world.clock.advance(DAY_MS)


def voided(world: World, granted: Json) -> tuple[Json, str, Callable[[], object]]:
    void = lambda: world.settle(granted["authorizationId"], 0, calls=0)  # noqa: E731
    return {"calls": 4}, "daily_call_limit_reached", void


def settled(world: World, granted: Json) -> tuple[Json, str, Callable[[], object]]:
    return {"estimate": 70}, "monthly_cap_reached", lambda: world.settle(granted["authorizationId"], 20)


def hold_expired(world: World, _: Json) -> tuple[Json, str, Callable[[], object]]:
    return {"estimate": 70}, "monthly_cap_reached", lambda: world.clock.advance(60_000)


def next_month(world: World, granted: Json) -> tuple[Json, str, Callable[[], object]]:
    world.settle(granted["authorizationId"], 90)
    return {"estimate": 70}, "monthly_cap_reached", lambda: world.clock.advance(30 * DAY_MS)


def corrected(world: World, granted: Json) -> tuple[Json, str, Callable[[], object]]:
    world.settle(granted["authorizationId"], 90)
    correct = lambda: world.correct(granted["subscriptionId"], -60)  # noqa: E731
    return {"estimate": 70}, "monthly_cap_reached", correct


def place_among_holds(world: World, granted: Json) -> tuple[Json, str, Callable[[], object]]:
    world.authorize(granted["apiKey"], "second", 1, holdSeconds=3600)
    return {}, "too_many_open_holds", lambda: world.clock.advance(60_000)


def tier_up(world: World, _: Json) -> tuple[Json, str, Callable[[], object]]:
    world.take_down(TEXT_MODEL, "stable")
    return {}, "tier_unavailable", lambda: world.turn_tier(TEXT_MODEL, "stable", available=True)


def clock_set_right(world: World, _: Json) -> tuple[Json, str, Callable[[], object]]:
    world.clock.advance(62 * DAY_MS)
    return {}, "subscription_expired", lambda: world.clock.advance(-62 * DAY_MS)


def request_id_free(world: World, granted: Json) -> tuple[Json, str, Callable[[], object]]:
    settle = lambda: world.settle(granted["authorizationId"], 20)  # noqa: E731
    return {"request_id": "open", "estimate": 30}, "request_id_reused", settle


REVERSIBLE = (
    *(next_day, voided, settled, hold_expired, next_month, corrected),
    *(place_among_holds, tier_up, clock_set_right, request_id_free),
)


@pytest.mark.parametrize("turn", REVERSIBLE, ids=lambda turn: turn.__name__)
def test_refusal_that_reverses_is_granted_on_the_very_next_try(world: World, turn: Callable[..., Any]) -> None:
    world = replace(world, deps=world.deps._replace(max_open_holds=2))
    made = world.buy(models=[model(calls=4, cap=100)], months=2)
    opened = world.authorize(made["apiKey"], "open", 40, holdSeconds=60)
    asked, why, reverse = turn(world, {**opened, **made})
    asked = {"api_key": made["apiKey"], "request_id": "new", **asked}
    answer, requests = asks_without_end(world, **asked)
    # Only the subscription's row knows that its term does not go on.
    assert (code(answer), requests) == (why, ["GetItem", "GetItem"] if turn is clock_set_right else ["GetItem"])
    reverse()
    granted, requests = calls(world, lambda: world.authorize(**asked))
    assert (granted["allowed"], "replayed" in granted) == (True, False)
    assert requests[0] == "GetItem"
    assert_conserved(world)
    world.settle(granted["authorizationId"], 0, calls=0)
    _, requests = calls(world, lambda: world.authorize(made["apiKey"], "next", 1))
    assert requests[0] == "UpdateItem"  # it has forgotten what it refused


def test_other_tier_that_is_asked_for_does_not_hide_the_one_bought(world: World) -> None:
    key = world.buy()["apiKey"]
    answer, requests = asks_without_end(world, api_key=key, request_id="r-1", channelTier="basic")
    assert (code(answer), requests) == ("tier_not_included", ["GetItem"])
    assert world.authorize(key, "r-1", channelTier="stable")["allowed"]


def test_repeat_of_a_grant_is_replayed_after_a_refusal(world: World) -> None:
    key = world.buy()["apiKey"]
    granted = world.authorize(key, "r-1", 900)
    assert code(world.authorize(key, "r-2", 900)) == "monthly_cap_reached"
    replayed, requests = calls(world, lambda: world.authorize(key, "r-1", 900))
    assert (replayed, requests) == ({**granted, "replayed": True}, ["GetItem"])


@pytest.mark.parametrize("renewed", [False, True])
def test_replaced_key_is_refused_without_the_store_and_the_new_one_granted_at_once(world: World, renewed: bool) -> None:  # noqa: FBT001
    made = world.buy(models=[model(), model(IMAGE_MODEL)], months=1)
    assert code(world.authorize(made["apiKey"], "r-1", 9999)) == "request_exceeds_limit"
    if renewed:
        world.clock.advance(31 * DAY_MS)
        assert code(world.authorize(made["apiKey"], "r-1")) == "subscription_expired"
    new = (world.renew if renewed else world.regenerate)(made["subscriptionId"])["apiKey"]
    first = [world.authorize(made["apiKey"], "r-1", modelId=model_id) for model_id in EVERY_KIND]
    assert [code(answer) for answer in first] == ["invalid_api_key"] * 3
    for model_id in EVERY_KIND[:2]:
        granted, requests = calls(world, lambda m=model_id: world.authorize(new, "r-1", modelId=m))  # type: ignore[misc]
        assert (granted["allowed"], requests[0]) == (True, "UpdateItem")
    away = world.with_send(unreachable)
    assert [away.authorize(made["apiKey"], "r-2", modelId=model_id) for model_id in EVERY_KIND] == first
    assert code(away.authorize(new, "r-2")) == "temporarily_unavailable"


def test_key_that_one_model_knows_a_later_one_of_stays_good_for_the_others_until_all_do(world: World) -> None:
    scene = half_regenerated(world)
    for _ in range(3):
        answers = [world.authorize(scene.api_key, "r-1", modelId=model_id) for model_id in EVERY_KIND]
        assert [code(answer) for answer in answers] == ["invalid_api_key", None, "invalid_api_key"]
    world.reset()
    for _ in range(2):
        answers = [world.authorize(scene.api_key, "r-2", modelId=model_id) for model_id in EVERY_KIND]
        assert [code(answer) for answer in answers] == ["invalid_api_key"] * 3
    new = world.regenerate(scene.subscription_id)["apiKey"]
    assert all(world.authorize(new, "r-2", modelId=model_id)["allowed"] for model_id in EVERY_KIND[:2])


def test_replaced_key_stays_refused_whatever_the_clock_says_and_the_term_that_follows_is_granted(world: World) -> None:
    made = world.buy()
    start_ms = world.clock.now_ms
    world.clock.advance(31 * DAY_MS)
    new = world.renew(made["subscriptionId"])["apiKey"]
    assert code(world.authorize(made["apiKey"], "r-1")) == "invalid_api_key"
    newest = world.regenerate(made["subscriptionId"])["apiKey"]
    for now_ms in (start_ms, start_ms + 31 * DAY_MS, start_ms + 32 * DAY_MS):
        world.clock.now_ms = now_ms
        assert code(world.authorize(made["apiKey"], "r-2")) == "invalid_api_key"
        assert code(world.authorize(new, "r-2")) == "invalid_api_key"
    assert world.authorize(newest, "r-2")["allowed"]


def test_refusal_of_a_cancelled_subscription_shows_windows_that_are_true_at_the_moment(world: World) -> None:
    made = world.buy()
    granted = [world.authorize(made["apiKey"], f"r-{n}", 40, holdSeconds=60 * (n + 1)) for n in range(2)]
    world.cancel(made["subscriptionId"])
    answer, requests = asks_without_end(world, api_key=made["apiKey"], request_id="new")
    assert (code(answer), answer["monthly"]["held"], requests) == ("subscription_cancelled", 80, ["GetItem"])
    world.settle(granted[1]["authorizationId"], 7)
    world.clock.advance(60_000)
    answer = world.authorize(made["apiKey"], "new")
    assert (answer["monthly"]["held"], answer["monthly"]["used"]) == (0, 7)


def test_model_that_is_not_held_is_refused_by_what_is_true_of_the_subscription_now(world: World) -> None:
    made = world.buy()
    told = []
    for happens in (
        lambda: None,
        lambda: world.clock.advance(31 * DAY_MS),
        lambda: world.renew(made["subscriptionId"]),
    ):
        happens()
        told.append([code(world.authorize(made["apiKey"], "r-1", modelId=f"guess-{n}")) for n in range(2)])
    assert told == [["model_not_included"] * 2, ["subscription_expired"] * 2, ["invalid_api_key"] * 2]
    bought = world.buy("another")
    assert code(world.authorize(bought["apiKey"], "r-1", modelId="guess")) == "model_not_included"
    world.cancel(bought["subscriptionId"], "another")
    assert code(world.authorize(bought["apiKey"], "r-1", modelId="guess")) == "subscription_cancelled"
    assert world.authorize(world.buy("a third")["apiKey"], "r-1")["allowed"]


def test_guessed_models_leave_the_models_bought_as_they_are(world: World) -> None:
    key = world.buy()["apiKey"]
    world.authorize(key, "opens-the-window")
    for number in range(50):
        assert code(world.authorize(key, "r-1", modelId=f"guess-{number}")) == "model_not_included"
    granted, requests = calls(world, lambda: world.authorize(key, "r-1"))
    assert (granted["allowed"], requests) == (True, ["UpdateItem"])
    assert len(world.refusals._kept) == 1


@pytest.mark.parametrize("asked", [{"estimate": 9999}, {"modelId": "guess"}])
def test_store_that_fails_while_it_is_looked_at_refuses_and_changes_nothing(world: World, asked: Json) -> None:
    made = world.buy()
    world.authorize(made["apiKey"], "open")
    why = code(world.authorize(made["apiKey"], "r-1", **asked))
    before = stored(world)
    answer = world.with_send(unreachable).authorize(made["apiKey"], "r-1", **asked)
    assert (code(answer), answer["retryAfter"]) == ("temporarily_unavailable", 1)
    assert stored(world) == before
    assert code(world.authorize(made["apiKey"], "r-1", **asked)) == why
    assert world.authorize(made["apiKey"], "r-1")["allowed"]


def test_grant_after_a_look_whose_reply_is_lost_is_told_as_the_grant_it_is(world: World) -> None:
    made = world.buy()
    world.authorize(made["apiKey"], "opens-the-window")
    world.authorize(made["apiKey"], "r-1", 9999)
    granted = world.with_send(FaultAt(world.deps.send, 1, "after")).authorize(made["apiKey"], "r-1")
    assert (granted["allowed"], "replayed" in granted) == (True, False)
    assert world.entitlement(made["subscriptionId"]).counters.day_calls == 2


def test_processes_that_remember_different_things_grant_together_what_was_bought(world: World) -> None:
    made = world.buy(models=[model(calls=6, cap=100)])
    one, other = world, world.another_process()
    granted = [one.authorize(made["apiKey"], f"r-{n}", 30, holdSeconds=60) for n in range(3)]
    assert code(one.authorize(made["apiKey"], "r-3", 30)) == "monthly_cap_reached"
    other.settle(granted[0]["authorizationId"], 0, calls=0)
    assert other.authorize(made["apiKey"], "r-4", 30, holdSeconds=60)["allowed"]
    assert code(one.authorize(made["apiKey"], "r-3", 30)) == "monthly_cap_reached"  # it looked, and it is true
    assert code(other.authorize(made["apiKey"], "r-5", 30)) == "monthly_cap_reached"
    one.clock.advance(60_000)
    answers = [(one, other)[n % 2].authorize(made["apiKey"], f"s-{n}", 30) for n in range(6)]
    assert [code(a) for a in answers] == [None, None, None, *["monthly_cap_reached"] * 3]
    assert_conserved(world)


def test_of_64_that_look_first_for_the_last_20_calls_exactly_20_are_granted(world: World) -> None:
    made = world.buy(models=[model(calls=20, cap=10**6)])
    world.authorize(made["apiKey"], "too-many", calls=21)
    answers = at_once(64, lambda n: world.authorize(made["apiKey"], f"r-{n}", 1))
    assert sum(answer["allowed"] for answer in answers) == 20
    assert {code(answer) for answer in answers} == {None, "daily_call_limit_reached"}
    assert_conserved(world)


def test_key_that_a_restore_brings_back_is_good_again_in_five_minutes(world: World) -> None:
    seconds = [0.0]
    pacing = world.deps.pacing._replace(monotonic=lambda: seconds[0])
    world = replace(world, deps=world.deps._replace(pacing=pacing), refusals=RefusalCache(pacing.monotonic))
    made = world.buy()
    (before,) = world.all_items(world.tables.entitlements)
    world.regenerate(made["subscriptionId"])
    assert code(world.authorize(made["apiKey"], "r-1")) == "invalid_api_key"
    world.dynamodb.put_item(TableName=world.tables.entitlements, Item=before)
    seconds[0] = TTL_SECONDS - 1
    assert code(world.authorize(made["apiKey"], "r-1")) == "invalid_api_key"
    seconds[0] = TTL_SECONDS
    assert world.authorize(made["apiKey"], "r-1")["allowed"]


@pytest.mark.parametrize("asked", [{}, {"modelId": "guess"}])
def test_line_of_a_refusal_from_memory_tells_what_the_first_one_told(world: World, asked: Json) -> None:
    made = world.buy()
    world.regenerate(made["subscriptionId"])
    lines = []
    for _ in range(2):
        with recorded() as output:
            world.authorize(made["apiKey"], "r-1", **asked)
        facts = ("decision", "command", "requestId", "modelId", "subscriptionId", "accountId", "Decisions")
        lines.append({name: output.only()[name] for name in facts})
    assert lines[0] == lines[1]
    assert (lines[1]["decision"], lines[1]["accountId"]) == ("invalid_api_key", "acct")


def test_no_key_is_kept_in_memory(world: World) -> None:
    key = world.buy()["apiKey"]
    world.authorize(key, "r-1", 9999)
    world.authorize(key, "r-1", modelId="guess")
    assert len(world.refusals._kept) == 2
    assert key not in repr(world.refusals._kept)
    assert key.removeprefix("sk-custom-")[:20] not in repr(world.refusals._kept)
