"""The router's handlers as they are deployed, each with its sample event."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from modelpass.dynamodb.transport import Response, Send, StoreBusyError
from tests.support.asked import FORGED
from tests.support.handlers import Service, batch, sample
from tests.support.lines import recorded
from tests.support.world import IMAGE_MODEL

if TYPE_CHECKING:
    from modelpass.schema import Request
    from tests.support.handlers import Json

pytestmark = pytest.mark.usefixtures("clock")


def busy_for(send: Send, model_id: str) -> Send:
    """A way to the store that is throttled for what concerns one model."""

    def throttled(operation: str, request: Request) -> Response:
        if f"#{model_id}" in json.dumps(request, default=str):
            raise StoreBusyError("injected")
        return send(operation, request)

    return throttled


def test_authorize_sample_is_granted_with_all_a_router_needs(service: Service, bought: Json) -> None:
    answer = service.authorize(bought["apiKey"])
    assert answer.pop("authorizationId").startswith("auth_")
    assert answer == {
        "allowed": True,
        "accountId": bought["account"],
        "subscriptionId": bought["subscriptionId"],
        "modelId": "claude-opus-4-6",
        "channelTier": "stable",
        "unit": "tokens",
        "heldUsage": 4000,
        "holdExpiresAt": "2026-11-23T00:15:00Z",
        "startWithinMs": 4000,
        "openHolds": 1,
        "daily": {"limit": 50, "used": 1, "remaining": 49, "resetsAt": "2026-11-24T00:00:00Z"},
        "monthly": {
            "limit": 5_000_000,
            "used": 0,
            "held": 4000,
            "remaining": 4_996_000,
            "overrun": 0,
            "resetsAt": "2026-12-23T00:00:00Z",
        },
    }


def test_authorize_repeated_is_the_same_grant(service: Service, bought: Json) -> None:
    first = service.authorize(bought["apiKey"], attempt=None)
    assert service.authorize(bought["apiKey"], attempt=None) == {**first, "replayed": True}


def test_repeat_of_an_attempt_is_the_grant_itself_and_another_attempt_is_in_progress(
    service: Service, bought: Json
) -> None:
    first = service.authorize(bought["apiKey"], attempt="a-1")
    assert first["allowed"]
    assert "replayed" not in first
    assert service.authorize(bought["apiKey"], attempt="a-1") == first
    assert service.authorize(bought["apiKey"], attempt=None) == {**first, "replayed": True}
    other = service.authorize(bought["apiKey"], attempt="a-2")
    assert (other["allowed"], other["statusCode"]) == (False, 409)
    assert (other["error"]["code"], other["error"]["param"]) == ("request_in_progress", "attempt")
    assert (other["daily"], other["monthly"]) == (first["daily"], first["monthly"])
    service.settle(first["authorizationId"])
    anew = service.authorize(bought["apiKey"], attempt="a-2")
    assert anew["allowed"]
    assert anew["authorizationId"] != first["authorizationId"]


def test_minimum_is_granted_what_is_left_and_its_repeat_is_the_same_grant(service: Service, bought: Json) -> None:
    service.authorize(bought["apiKey"], requestId="most", estimatedUsage=4_999_000)
    asked = {"requestId": "rest", "estimatedUsage": 4000, "attempt": None}
    assert service.authorize(bought["apiKey"], **asked)["error"]["code"] == "monthly_cap_reached"
    assert service.authorize(bought["apiKey"], **asked, minimumUsage=1001)["error"]["code"] == "monthly_cap_reached"
    first = service.authorize(bought["apiKey"], **asked, minimumUsage=1000)
    assert (first["heldUsage"], first["monthly"]["remaining"], first["openHolds"]) == (1000, 0, 2)
    assert service.authorize(bought["apiKey"], **asked, minimumUsage=500) == {**first, "replayed": True}
    assert service.authorize(bought["apiKey"], **asked)["error"]["code"] == "request_id_reused"
    nothing = service.authorize(bought["apiKey"], requestId="none", estimatedUsage=4000, minimumUsage=0)
    assert nothing["error"]["code"] == "monthly_cap_reached"
    assert service.settle(first["authorizationId"], actualUsage=1000)["settled"]


def test_minimum_above_the_estimate_is_refused_by_name(service: Service, bought: Json) -> None:
    answer = service.authorize(bought["apiKey"], estimatedUsage=10, minimumUsage=11)
    assert (answer["statusCode"], answer["error"]["code"]) == (400, "invalid_request")
    assert answer["error"]["param"] == "minimumUsage"


def test_request_that_can_never_fit_is_refused_without_a_time_to_come_back(service: Service, bought: Json) -> None:
    for more, param in (({"calls": 51}, "dailyCallLimit"), ({"estimatedUsage": 5_000_001}, "monthlyTokenCap")):
        answer = service.authorize(bought["apiKey"], **more)
        assert set(answer) == {"allowed", "statusCode", "error", "daily", "monthly"}
        error = answer["error"]
        assert (answer["statusCode"], error["code"], error["param"]) == (400, "request_exceeds_limit", param)
        assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize("request_id", ["r" * 128, "chatcmpl-123/abc:def@x", "~!#$%&'()*+,-./;<=>?[]^`{|}", "%2F"])
def test_request_ids_are_taken_as_routers_spell_them(service: Service, bought: Json, request_id: str) -> None:
    first = service.authorize(bought["apiKey"], requestId=request_id, attempt=None)
    assert service.authorize(bought["apiKey"], requestId=request_id, attempt=None) == {**first, "replayed": True}
    assert service.settle(first["authorizationId"])["settled"]


def test_refused_authorize_is_ready_to_pass_on(service: Service, bought: Json) -> None:
    service.authorize(bought["apiKey"], requestId="all-of-the-day", calls=50)
    answer = service.authorize(bought["apiKey"])
    assert set(answer) == {"allowed", "statusCode", "retryAfter", "error", "daily", "monthly"}
    assert (answer["allowed"], answer["statusCode"]) == (False, 429)
    assert answer["retryAfter"] == 86_400
    message = answer["error"].pop("message")
    assert isinstance(message, str)
    assert answer["error"] == {
        "type": "rate_limit_error",
        "code": "daily_call_limit_reached",
        "param": "dailyCallLimit",
    }


@pytest.mark.parametrize(
    ("changes", "status", "code", "param"),
    [
        ({"estimatedUsage": -1}, 400, "invalid_request", "estimatedUsage"),
        ({"colour": "red"}, 400, "invalid_request", "colour"),
        ({"apiKey": ""}, 401, "invalid_api_key", "apiKey"),
        ({"modelId": "gpt-none"}, 403, "model_not_included", "modelId"),
        ({"channelTier": "basic"}, 403, "tier_not_included", "channelTier"),
    ],
    ids=str,
)
def test_refusal_names_status_code_and_field(
    service: Service, bought: Json, changes: Json, status: int, code: str, param: str
) -> None:
    answer = service.authorize(**{"api_key": bought["apiKey"], **changes})
    assert (answer["statusCode"], answer["error"]["code"], answer["error"]["param"]) == (status, code, param)


@pytest.mark.parametrize("event", [None, [], "text", 7, {}], ids=str)
@pytest.mark.parametrize(("function", "said"), [("AuthorizeFunction", "allowed"), ("SettleFunction", "settled")])
def test_payload_of_any_kind_gets_an_answer(service: Service, function: str, said: str, event: object) -> None:
    answer = service.invoke(function, event)
    assert (answer[said], answer["statusCode"], answer["error"]["code"]) == (False, 400, "invalid_request")


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER "])
def test_key_passed_with_its_bearer_prefix_is_refused_with_a_hint(service: Service, bought: Json, prefix: str) -> None:
    answer = service.authorize(prefix + bought["apiKey"])
    assert (answer["statusCode"], answer["error"]["code"]) == (401, "invalid_api_key")
    assert "Bearer" in answer["error"]["message"]
    assert "Bearer" not in service.authorize("sk-custom-none")["error"]["message"]


def test_settle_sample_books_what_was_used_and_once(service: Service, bought: Json) -> None:
    granted = service.authorize(bought["apiKey"])
    answer = service.settle(granted["authorizationId"])
    daily = {**granted["daily"], "used": 1, "remaining": 49}
    monthly = {**granted["monthly"], "used": 1234, "held": 0, "remaining": 4_998_766}
    assert answer == {"settled": True, "late": False, "tierBreached": False, "daily": daily, "monthly": monthly}
    again = service.settle(granted["authorizationId"], actualUsage=9)
    assert again == {"settled": True, "replayed": True}
    usage = service.http("get-usage", bought["account"], bought["subscriptionId"]).json
    assert usage["models"][0]["monthly"] == monthly


def test_settle_of_an_id_never_issued_is_not_found(service: Service) -> None:
    for never_issued in (FORGED, "", "auth_", sample("settle")["authorizationId"]):
        answer = service.settle(never_issued)
        assert (answer["settled"], answer["statusCode"]) == (False, 404)
        assert answer["error"]["code"] == "authorization_not_found"


def test_batch_sample_settles_what_can_be_booked_and_gives_the_rest_back(service: Service, bought: Json) -> None:
    ids = [
        service.authorize(bought["apiKey"])["authorizationId"],
        service.authorize(bought["apiKey"], modelId=IMAGE_MODEL, channelTier="basic", estimatedUsage=4)[
            "authorizationId"
        ],
    ]
    text = json.dumps(sample("settle-batch"))
    for placeholder, issued in zip(("FIRST", "SECOND"), ids, strict=True):
        text = text.replace(f"auth_REPLACE-WITH-THE-{placeholder}", issued)
    event = json.loads(text)
    unbooked = event["Records"][-1]["messageId"]
    assert service.invoke("SettleFunction", event) == {"batchItemFailures": [{"itemIdentifier": unbooked}]}
    usage = service.http("get-usage", bought["account"], bought["subscriptionId"]).json
    assert [(m["monthly"]["used"], m["monthly"]["held"]) for m in usage["models"]] == [(1234, 0), (3, 0)]


def test_batch_reports_every_message_that_is_not_booked_and_no_other(service: Service, bought: Json) -> None:
    text_id = service.authorize(bought["apiKey"])["authorizationId"]
    image = {"modelId": IMAGE_MODEL, "channelTier": "basic", "estimatedUsage": 4}
    image_id = service.authorize(bought["apiKey"], **image)["authorizationId"]
    retryable = {"authorizationId": image_id, "actualUsage": 3}
    good = {"authorizationId": text_id, "actualUsage": 5}
    below_nothing = {**good, "actualUsage": -555}
    event = batch(
        below_nothing, "no JSON", retryable, "[]", {"authorizationId": FORGED, "actualUsage": 1}, {}, good, good
    )
    module = service.module("SettleFunction")
    with service.sending("SettleFunction", busy_for(module.deps.send, IMAGE_MODEL)):
        answer = service.invoke("SettleFunction", event)
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"m-{number}"} for number in range(6)]}
    assert service.invoke("SettleFunction", batch(retryable)) == {"batchItemFailures": []}
    usage = service.http("get-usage", bought["account"], bought["subscriptionId"]).json
    assert [(m["monthly"]["used"], m["monthly"]["held"]) for m in usage["models"]] == [(5, 0), (3, 0)]


def test_batch_that_runs_out_of_time_reports_what_it_did_not_come_to(service: Service, bought: Json) -> None:
    """Each message may take six seconds of trying: those that do not fit come back with the queue's next delivery."""
    granted = [service.authorize(bought["apiKey"], requestId=f"late-{n}")["authorizationId"] for n in range(4)]
    event = batch(*({"authorizationId": authorization_id, "actualUsage": 5} for authorization_id in granted))
    seconds = itertools.count(step=2.5)  # by the third message, two thirds of the fifteen seconds are over
    deps = service.module("SettleFunction").deps
    pacing = deps.pacing._replace(monotonic=lambda: float(next(seconds)))
    with patch.object(service.module("SettleFunction"), "deps", deps._replace(pacing=pacing)):
        answer = service.invoke("SettleFunction", event)
    failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert failed == ["m-2", "m-3"]
    assert service.invoke("SettleFunction", event) == {"batchItemFailures": []}


def test_message_that_fails_unexpectedly_is_retried_and_holds_up_no_other(service: Service, bought: Json) -> None:
    def failing(_: str, __: Request) -> Response:
        raise ZeroDivisionError

    message = {"authorizationId": service.authorize(bought["apiKey"])["authorizationId"], "actualUsage": 5}
    with service.sending("SettleFunction", failing):
        answer = service.invoke("SettleFunction", batch(message, message))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}, {"itemIdentifier": "m-1"}]}
    assert service.invoke("SettleFunction", batch(message, message)) == {"batchItemFailures": []}


def test_request_served_in_another_tier_is_flagged_and_counted(service: Service, bought: Json) -> None:
    granted = [service.authorize(bought["apiKey"], requestId=f"breach-{n}") for n in range(2)]
    with recorded() as output:
        kept = service.settle(granted[0]["authorizationId"], servedTier="stable")
        broken = service.settle(granted[1]["authorizationId"], servedTier="basic")
    assert (kept["tierBreached"], broken["tierBreached"]) == (False, True)
    counted = [line for line in output.decided() if "TierBreaches" in line]
    assert [line["TierBreaches"] for line in counted] == [1]
    _, breaches = counted[0]["_aws"]["CloudWatchMetrics"]
    assert breaches["Metrics"] == [{"Name": "TierBreaches", "Unit": "Count"}]
    assert breaches["Dimensions"] == [[]]
