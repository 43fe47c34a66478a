"""Decisions in a router's process are those of the functions: same answers, same items, same costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.endpoint import ConfigError
from modelpass.dynamodb.sigv4 import Credentials
from modelpass.runtime.telemetry import Output
from tests.support.audit import assert_conserved
from tests.support.concurrency import at_once
from tests.support.embedded import KEY, given
from tests.support.world import model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.embedded import Json, Opens, Router
    from tests.support.world import World

THREADS = 16
OWN = {"authorizationId", "holdExpiresAt", "retryAfter"}
"""What differs from one request to the next."""
CASES: dict[str, Json] = {
    "granted": {},
    "another tier": {"channelTier": "basic"},
    "another model": {"modelId": "nano-banana-2"},
    "no key": {"apiKey": "sk-custom-none"},
    "no number": {"estimatedUsage": "1"},
    "unknown field": {"budget": 1},
    "too much": {"estimatedUsage": 1001},
    "too many calls": {"calls": 51},
    "a block": {"calls": 5, "holdSeconds": 60},
    "an attempt": {"attempt": "a-1"},
}


def alike(answer: Json) -> Json:
    """What two customers who bought the same a moment apart are both told."""
    shown = {name: value for name, value in answer.items() if name not in OWN}
    if "monthly" in shown:
        shown["monthly"] = {**shown["monthly"], "resetsAt": None}
    return shown


@pytest.mark.parametrize("case", CASES)
def test_answers_equal_those_of_the_functions(live: World, opens: Opens, case: str) -> None:
    router = opens()
    made = [live.buy(account) for account in ("acct_a", "acct_b")]
    payload = {"apiKey": None, "requestId": "r-1", "estimatedUsage": 10, "modelId": "claude-opus-4-6"}
    asked: list[Callable[..., Json]] = [
        lambda **p: router.decisions.authorize(p),
        lambda apiKey, requestId, **p: live.authorize(apiKey, requestId, p.pop("estimatedUsage"), **p),  # noqa: N803
    ]
    answers = [
        ask(**{**payload, "apiKey": bought["apiKey"], **CASES[case]}) for ask, bought in zip(asked, made, strict=True)
    ]
    direct, function = ({**alike(a), "accountId": None, "subscriptionId": None} for a in answers)
    assert direct == function
    assert answers[0]["allowed"] is (case in {"granted", "a block", "an attempt"})


def test_what_is_granted_in_the_process_is_settled_by_the_function_and_the_other_way_round(
    live: World, opens: Opens
) -> None:
    router, made = opens(), live.buy()
    here, there = router.authorize(made["apiKey"], "r-1"), live.authorize(made["apiKey"], "r-2")
    settled = [live.settle(here["authorizationId"], 4), router.settle(there["authorizationId"], 5)]
    assert [answer["settled"] for answer in settled] == [True, True]
    assert settled[1]["monthly"]["used"] == 9
    repeats = [router.settle(here["authorizationId"], 4), live.settle(there["authorizationId"], 5)]
    assert repeats == [{"settled": True, "replayed": True}] * 2
    assert_conserved(live)


def test_a_repeat_is_recognised_whoever_granted_it(live: World, opens: Opens) -> None:
    routers, made = [opens() for _ in range(2)], live.buy()
    answers = [router.authorize(made["apiKey"], "same", attempt="a-1") for router in routers]
    answers.append(live.authorize(made["apiKey"], "same", attempt="a-1"))
    assert len({answer["authorizationId"] for answer in answers}) == 1
    assert live.entitlement(made["subscriptionId"]).counters.day_calls == 1


def test_a_decision_is_one_request_once_the_tiers_are_known(live: World, opens: Opens) -> None:
    live.fill_tiers()
    router, made = opens(), live.buy()
    live.authorize(made["apiKey"], "makes-it-due")
    first = router.authorize(made["apiKey"], "r-1")
    for n in range(2, 6):
        router.settle(router.authorize(made["apiKey"], f"r-{n}")["authorizationId"], 1)
    router.settle(first["authorizationId"], 1)
    assert [line["storeRequests"] for line in router.shown] == [2, *[1] * 9]
    assert {line["writeUnits"] for line in router.shown} == {1.0}


@pytest.mark.parametrize("most", ["3", "1"])
def test_the_bound_of_open_holds_is_the_one_that_is_handed_in(live: World, opens: Opens, most: str) -> None:
    router, made = opens(MAX_OPEN_HOLDS=most), live.buy()
    answers = [router.authorize(made["apiKey"], f"r-{n}") for n in range(5)]
    assert sum(answer["allowed"] for answer in answers) == int(most)
    assert answers[-1]["error"]["code"] == "too_many_open_holds"


def test_the_deployment_keys_are_those_that_are_handed_in(live: World, opens: Opens) -> None:
    made, other = live.buy(), "the-key-of-another-deployment-of-some-length"
    granted = live.authorize(made["apiKey"], "r-1")
    stranger = opens(DEPLOYMENT_KEY=other)
    assert stranger.authorize(made["apiKey"], "r-2")["error"]["code"] == "invalid_api_key"
    assert stranger.settle(granted["authorizationId"], 1)["error"]["code"] == "authorization_not_found"
    rotated = opens(DEPLOYMENT_KEY=other, DEPLOYMENT_KEYS_ACCEPTED=KEY)
    assert rotated.authorize(made["apiKey"], "r-2")["allowed"]
    assert rotated.settle(granted["authorizationId"], 1)["settled"]


def test_a_tier_that_is_down_is_refused(live: World, opens: Opens) -> None:
    made = live.buy()
    live.take_down("claude-opus-4-6", "stable")
    assert opens().authorize(made["apiKey"], "r-1")["error"]["code"] == "tier_unavailable"


def race(routers: list[Router], live: World, api_key: str) -> list[Json]:
    """Half of the threads ask by functions, the others by several processes' decisions."""

    def ask(number: int) -> Json:
        if number % 2:
            return live.authorize(api_key, f"r-{number}", 10)
        return routers[number // 2 % len(routers)].authorize(api_key, f"r-{number}", 10)

    return at_once(2 * THREADS, ask)


@pytest.mark.parametrize("limits", [{"calls": 11, "cap": 10**6}, {"calls": 1000, "cap": 115}])
def test_processes_and_functions_that_race_for_what_is_left_never_grant_more(
    live: World, opens: Opens, limits: Json
) -> None:
    routers, made = [opens() for _ in range(3)], live.buy(models=[model(**limits)])
    answers = race(routers, live, made["apiKey"])
    assert sum(answer["allowed"] for answer in answers) == 11
    assert_conserved(live)
    ids = [answer["authorizationId"] for answer in answers if answer["allowed"]]
    settled = at_once(
        2 * len(ids),
        lambda n: live.settle(ids[n // 2], 10) if n % 2 else routers[n % 3].settle(ids[n // 2], 10),
    )
    assert all(answer["settled"] for answer in settled)
    assert sum("replayed" in answer for answer in settled) == len(ids)
    assert live.entitlement(made["subscriptionId"]).counters.day_calls == 11
    assert_conserved(live)


def test_threads_that_share_one_process_are_each_answered_their_own(live: World, opens: Opens) -> None:
    router, made = opens(), live.buy(models=[model(calls=1000, cap=10**6)])
    answers = at_once(THREADS, lambda n: router.authorize(made["apiKey"], f"r-{n}", n + 1))
    assert [answer["heldUsage"] for answer in answers] == list(range(1, THREADS + 1))
    assert len({answer["authorizationId"] for answer in answers}) == THREADS
    assert len(router.lines) == THREADS


@pytest.mark.parametrize(
    "name",
    [
        *("AWS_REGION", "DEPLOYMENT_KEY", "ENTITLEMENTS_TABLE", "SUBSCRIPTIONS_TABLE", "HISTORY_TABLE"),
        *("EVENTS_TABLE", "CATALOGUE_TABLE", "TIERS_TABLE"),
    ],
)
def test_a_setting_that_is_missing_is_named(opens: Opens, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        opens(**{name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEPLOYMENT_KEY", "too short"),
        ("MAX_OPEN_HOLDS", "0"),
        ("SALE_APPROVAL", "perhaps"),
        ("SCHEMA_VERSION_WRITTEN", "9"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "ftp://secret@store"),
        ("AWS_REGION", "the moon"),
    ],
)
def test_a_setting_that_is_wrong_is_named_and_not_shown(opens: Opens, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as raised:
        opens(**{name: value})
    assert value not in str(raised.value)


def test_a_level_that_there_is_not_is_refused(opens: Opens) -> None:
    with pytest.raises(ConfigError, match="DEBUG, INFO, WARNING, ERROR"):
        opens(output=Output(print, "LOUD"))


def test_no_secret_is_shown(live: World, opens: Opens) -> None:
    decisions = opens().decisions
    assert repr(decisions) == f"Decisions({live.tables.entitlements})"


def fails() -> Credentials:
    raise TimeoutError("the provider of secret AKIDEXAMPLE")


def no_header() -> Credentials:
    return Credentials("AKID", "secret\r\nx-evil: 1", None)


@pytest.mark.parametrize(("credentials", "code"), [(fails, "temporarily_unavailable"), (no_header, "internal_error")])
def test_without_credentials_nothing_is_granted_and_nothing_raised(
    live: World, opens: Opens, credentials: Callable[[], Credentials], code: str
) -> None:
    answer = opens(credentials=credentials).authorize(live.buy()["apiKey"], "r-1")
    assert answer["error"]["code"] == code


def test_credentials_are_asked_for_at_each_request_so_that_new_ones_bind(live: World, opens: Opens) -> None:
    asked: list[int] = []

    def counted() -> Credentials:
        asked.append(1)
        return given()

    router, made = opens(credentials=counted), live.buy()
    for n in range(3):
        router.authorize(made["apiKey"], f"r-{n}")
    assert len(asked) == sum(line["storeRequests"] for line in router.shown) > 3


def test_a_log_that_fails_costs_no_grant(live: World, opens: Opens) -> None:
    def full(_: Any) -> None:
        raise OSError("no space left")

    router = opens(output=Output(full))
    granted = router.authorize(live.buy()["apiKey"], "r-1")
    assert granted["allowed"]
    assert router.settle(granted["authorizationId"], 1)["settled"]


def test_a_batch_of_a_queue_is_settled_as_by_the_function(live: World, opens: Opens) -> None:
    router, made = opens(), live.buy()
    granted = router.authorize(made["apiKey"], "r-1")
    body = f'{{"authorizationId": "{granted["authorizationId"]}", "actualUsage": 3}}'
    batch = {"Records": [{"messageId": "m-1", "body": body}, {"messageId": "m-2", "body": "{}"}]}
    assert router.decisions.settle(batch) == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
