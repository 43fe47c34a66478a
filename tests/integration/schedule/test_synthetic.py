"""The synthetic customer: while customers are served it says so, whatever came before, and when they are not, too."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.transport import StoreBusyError
from modelpass.schedule.invoker import InvocationFailedError
from modelpass.schedule.synthetic import DAILY_CALLS, MONTHLY_UNITS, Plan, SyntheticCustomer
from modelpass.times import DAY_MS
from tests.support.lines import recorded
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request
    from tests.support.handlers import Json, Service
    from tests.support.world import Clock

MINUTE_MS = 60_000
NOON_MS = DAY_MS // 2
FUNCTIONS = {
    name: f"{name.capitalize()}Function"
    for name in ("subscriptions", "purchase", "renew", "cancel", "regenerate", "authorize", "settle")
}
DONE = {"succeeded": True}

pytestmark = pytest.mark.usefixtures("clock")


class Minutes:
    """A deployment, and the synthetic customer that lives on it: a new one is a new process of the function."""

    def __init__(self, service: Service, clock: Clock, account: str) -> None:
        self.service, self.clock, self.account = service, clock, account
        self.invoked: list[tuple[str, Any]] = []
        self.plan = Plan(account, "sub", TEXT_MODEL, "stable", FUNCTIONS)
        self.customer = self.another_process()

    def another_process(self) -> SyntheticCustomer:
        deps = self.service.module("PurchaseFunction").deps
        self.customer = SyntheticCustomer(self.plan, deps, self._ask)
        return self.customer

    def _ask(self, function: str, event: Any) -> Any:
        return self.invoke(function, event)  # looked up each time, for a test that lets an answer be lost

    def invoke(self, function: str, event: Any) -> Any:
        self.invoked.append((function, event))
        return self.service.invoke(function, event)

    def minute(self) -> Json:
        self.clock.now_ms += MINUTE_MS
        return self.customer.run("lambda-request-1")

    def asked(self, run: Callable[[], Json]) -> list[str]:
        """The functions that a run which succeeds invokes."""
        self.invoked.clear()
        assert run() == DONE
        return [function.removesuffix("Function") for function, _ in self.invoked]

    def subscriptions(self) -> list[Json]:
        listed: list[Json] = self.service.http("get-subscriptions", self.account).json["subscriptions"]
        return listed

    def of_newest(self, name: str, **changes: Any) -> Any:
        return self.service.http(name, self.account, self.subscriptions()[0]["subscriptionId"], **changes)


@pytest.fixture
def minutes(service: Service, clock: Clock, account: str) -> Minutes:
    clock.now_ms += (NOON_MS - clock.now_ms) % DAY_MS
    return Minutes(service, clock, f"synthetic {account}")


def used(minutes: Minutes) -> tuple[int, int, int]:
    (model,) = minutes.of_newest("get-usage").json["models"]
    return model["daily"]["used"], model["monthly"]["used"], model["monthly"]["held"]


def test_first_minute_buys_and_every_minute_uses_one_unit_of_it(minutes: Minutes) -> None:
    assert minutes.asked(minutes.minute) == ["Subscriptions", "Purchase", "Authorize", "Settle"]
    for number in range(2, 5):
        assert minutes.asked(minutes.minute) == ["Authorize", "Settle"]
        assert used(minutes) == (number, number, 0)
    assert len(minutes.subscriptions()) == 1


def test_a_minutes_use_fits_for_a_whole_month() -> None:
    assert DAILY_CALLS > 24 * 60
    assert MONTHLY_UNITS > 31 * 24 * 60


def test_process_that_has_no_key_makes_a_new_one_and_buys_nothing(minutes: Minutes) -> None:
    minutes.minute()
    minutes.another_process()
    assert minutes.asked(minutes.minute) == ["Subscriptions", "Regenerate", "Authorize", "Settle"]
    assert len(minutes.subscriptions()) == 1


def test_plan_is_bought_anew_once_in_a_day_and_no_minute_fails_by_it(minutes: Minutes) -> None:
    days = []
    for _ in range(4):
        days.append([minutes.minute(), minutes.minute(), minutes.minute()])
        minutes.clock.now_ms += DAY_MS
    assert days == [[DONE] * 3] * 4
    assert [s["status"] for s in minutes.subscriptions()] == ["active", "cancelled", "cancelled", "cancelled"]
    minutes.clock.now_ms -= DAY_MS
    minutes.another_process()
    minutes.clock.now_ms += DAY_MS
    asked = minutes.asked(minutes.minute)  # and a new process does as the old one would
    assert asked == ["Subscriptions", "Cancel", "Purchase", "Authorize", "Settle"]


def test_midnight_between_two_minutes_is_no_failure(minutes: Minutes) -> None:
    minutes.minute()
    minutes.clock.now_ms += NOON_MS - 90_000
    for _ in range(4):
        assert minutes.minute() == DONE


def test_what_has_expired_is_renewed(minutes: Minutes) -> None:
    minutes.minute()
    minutes.clock.now_ms += 40 * DAY_MS
    assert minutes.asked(minutes.minute) == ["Subscriptions", "Renew", "Authorize", "Settle"]
    assert minutes.asked(minutes.minute) == ["Authorize", "Settle"]
    assert [s["status"] for s in minutes.subscriptions()] == ["active"]


LEFT_AT = ["Subscriptions", "Cancel", "Purchase", "Authorize", "Settle"]


@pytest.mark.parametrize("carried_out", [False, True], ids=["not carried out", "answer lost"])
@pytest.mark.parametrize("step", LEFT_AT)
def test_run_that_ends_anywhere_is_made_good_by_the_next_one(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch, step: str, *, carried_out: bool
) -> None:
    minutes.minute()
    minutes.clock.now_ms += DAY_MS
    invoke = minutes.service.invoke

    def lost(function: str, event: Any) -> Any:
        if function != f"{step}Function":
            return invoke(function, event)
        if carried_out:
            invoke(function, event)
        raise InvocationFailedError("ReadTimeoutError")

    with monkeypatch.context() as patched:
        patched.setattr(minutes, "invoke", lost)
        minutes.another_process()
        told = minutes.minute()
    assert told == {"succeeded": False, "step": step.lower(), "answered": "ReadTimeoutError"}
    minutes.another_process()
    assert [minutes.minute(), minutes.minute()] == [DONE, DONE]
    assert minutes.subscriptions()[0]["status"] == "active"
    assert len(minutes.subscriptions()) == 2


def test_key_that_is_replaced_by_somebody_is_a_failure_and_the_next_minute_has_another(minutes: Minutes) -> None:
    minutes.minute()
    assert minutes.of_newest("regenerate").status == 200
    assert minutes.minute() == {"succeeded": False, "step": "authorize", "answered": "invalid_api_key"}
    assert minutes.asked(minutes.minute) == ["Subscriptions", "Regenerate", "Authorize", "Settle"]


def test_process_that_is_given_no_more_keys_today_buys_anew(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    minutes.minute()
    minutes.another_process()
    invoke = minutes.service.invoke

    def no_more_keys(function: str, event: Any) -> Any:
        if function == "RegenerateFunction":
            return {"statusCode": 429, "body": json.dumps({"error": {"code": "too_many_keys"}})}
        return invoke(function, event)

    monkeypatch.setattr(minutes, "invoke", no_more_keys)
    assert minutes.minute() == DONE
    assert [s["status"] for s in minutes.subscriptions()] == ["active", "cancelled"]


def test_answer_that_is_not_what_the_api_promises_is_a_failure(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minutes, "invoke", lambda *_: {"statusCode": 200, "body": "sk-custom-no-json"})
    with recorded() as output:
        assert minutes.minute() == {"succeeded": False, "step": "answer", "answered": "JSONDecodeError"}
    assert "sk-custom" not in output.getvalue()


def test_plan_that_is_cancelled_by_somebody_is_a_failure_and_the_next_minute_buys(minutes: Minutes) -> None:
    minutes.minute()
    assert minutes.of_newest("cancel").status == 200
    assert minutes.minute() == {"succeeded": False, "step": "authorize", "answered": "subscription_cancelled"}
    assert minutes.asked(minutes.minute) == ["Subscriptions", "Purchase", "Authorize", "Settle"]


def busy(_: str, __: Request) -> Response:
    raise StoreBusyError("away")


@pytest.mark.parametrize("function", ["AuthorizeFunction", "SettleFunction"])
def test_store_that_is_away_is_a_failure_for_as_long_as_it_is(minutes: Minutes, function: str) -> None:
    minutes.minute()
    step = function.removesuffix("Function").lower()
    with minutes.service.sending(function, busy):
        for _ in range(2):
            assert minutes.minute() == {"succeeded": False, "step": step, "answered": "temporarily_unavailable"}
    assert minutes.asked(minutes.minute) == ["Authorize", "Settle"]  # its key was good, and is not made anew


def test_purchase_that_is_away_is_a_failure(minutes: Minutes) -> None:
    with minutes.service.sending("PurchaseFunction", busy):
        assert minutes.minute() == {"succeeded": False, "step": "purchase", "answered": "temporarily_unavailable"}
    assert minutes.minute() == DONE


def test_model_that_is_not_offered_is_a_failure_that_says_so(minutes: Minutes) -> None:
    minutes.plan = minutes.plan._replace(model_id="gpt-none")
    minutes.another_process()
    assert minutes.minute() == {"succeeded": False, "step": "purchase", "answered": "unknown_model"}


WRONG: list[tuple[str, Callable[[Json], None]]] = [
    ("SettleFunction", lambda answer: answer["monthly"].update(used=answer["monthly"]["used"] - 1)),
    ("SettleFunction", lambda answer: answer["monthly"].update(held=answer["monthly"]["held"] + 1)),
    ("SettleFunction", lambda answer: answer["monthly"].update(remaining=answer["monthly"]["remaining"] + 1)),
    ("SettleFunction", lambda answer: answer["daily"].update(used=answer["daily"]["used"] + 1)),
    ("SettleFunction", lambda answer: answer.update(late=True)),
    ("SettleFunction", lambda answer: answer.update(tierBreached=True)),
    ("AuthorizeFunction", lambda answer: answer.update(heldUsage=2)),
    ("AuthorizeFunction", lambda answer: answer["daily"].update(used=answer["daily"]["used"] - 1)),
]


@pytest.mark.parametrize(("function", "change"), WRONG)
def test_figures_that_do_not_move_as_they_must_are_a_failure(
    minutes: Minutes, monkeypatch: pytest.MonkeyPatch, function: str, change: Callable[[Json], None]
) -> None:
    minutes.minute()
    invoke = minutes.service.invoke

    def wrong(name: str, event: Any) -> Any:
        answer = invoke(name, event)
        if name == function:
            change(answer)
        return answer

    monkeypatch.setattr(minutes, "invoke", wrong)
    assert minutes.minute() == {"succeeded": False, "step": "figures", "answered": "wrong"}


def test_call_that_is_counted_between_two_minutes_is_a_failure(minutes: Minutes) -> None:
    minutes.minute()
    (key,) = [event["apiKey"] for function, event in minutes.invoked if function == "AuthorizeFunction"]
    assert minutes.service.authorize(key, requestId="of-somebody-else")["allowed"]
    assert minutes.minute() == {"succeeded": False, "step": "figures", "answered": "wrong"}
    assert minutes.minute() == DONE


def test_each_minute_leaves_a_line_that_counts_it_and_tells_no_key(minutes: Minutes) -> None:
    with recorded() as output:
        minutes.minute()
        minutes.of_newest("cancel")
        minutes.minute()
    mine = [line for line in output.decided() if line["command"] == "synthetic"]
    assert [(line["decision"], line.get("step"), line.get("answered")) for line in mine] == [
        ("ok", None, None),
        ("failed", "authorize", "subscription_cancelled"),
    ]
    assert [line["SyntheticAuthorizes"] for line in mine] == [1, 1]
    assert not re.search("sk-custom-", output.getvalue())


def test_calls_are_made_under_the_claim_that_names_the_account(minutes: Minutes) -> None:
    minutes.plan = minutes.plan._replace(account_claim="org_id")
    minutes.another_process()
    assert minutes.minute() == DONE  # here the account is `sub`, as it is without the parameter
    claims = minutes.invoked[0][1]["requestContext"]["authorizer"]["jwt"]["claims"]
    assert claims == {"sub": minutes.account, "org_id": minutes.account}
