"""The stages of the two HTTP APIs: what each takes, and what it writes down about those who call."""

from __future__ import annotations

import json
import re

import pytest

from local.cloudformation.template import DEFAULT_ROUTE
from tests.support.world import template_of
from tests.template.resources import SOURCE, Json, arn, of_type, properties_of, under

STAGES = {stage["ApiId"]["Ref"]: stage for stage in of_type("AWS::ApiGatewayV2::Stage").values()}
STAGE, OPERATORS = STAGES["Api"], STAGES["OperatorApi"]
FORMAT: str = under(STAGE["AccessLogSettings"]["Format"])
LINE: Json = json.loads(FORMAT)
FORBIDDEN = ("identity", "userAgent", "sourceIp", "path", "protocol", "domain", "claims.email", "claims.name", "header")


def test_routes_are_throttled_as_the_parameters_say() -> None:
    assert STAGE["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ApiRequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "ApiBurstRequests"},
    }
    for name in ("ApiRequestsPerSecond", "ApiBurstRequests"):
        assert int(SOURCE["Parameters"][name]["Default"]) > 0


def test_routes_without_a_token_are_throttled_apart_from_all_others() -> None:
    limits = {
        "ThrottlingRateLimit": {"Ref": "KeyRequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "KeyBurstRequests"},
    }
    open_to_all = [r.key for r in template_of("").customers.routes if not r.authorized and r.key != DEFAULT_ROUTE]
    assert STAGE["RouteSettings"] == dict.fromkeys(open_to_all, limits)
    assert open_to_all
    for name in ("KeyRequestsPerSecond", "KeyBurstRequests"):
        assert (
            0 < int(SOURCE["Parameters"][name]["Default"]) <= int(SOURCE["Parameters"]["ApiBurstRequests"]["Default"])
        )


def test_operators_have_a_throttle_that_no_customer_uses_up() -> None:
    assert set(STAGES) == {"Api", "OperatorApi"}
    assert OPERATORS["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "OperatorRequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "OperatorBurstRequests"},
    }
    for name in ("OperatorRequestsPerSecond", "OperatorBurstRequests"):
        assert int(SOURCE["Parameters"][name]["Default"]) > 0
    assert "RouteSettings" not in OPERATORS


def test_line_of_an_operators_request_is_the_same_but_for_who_calls() -> None:
    line = json.loads(under(OPERATORS["AccessLogSettings"]["Format"]))
    assert line.pop("operatorId") == "$context.authorizer.claims.sub"
    assert line == {name: value for name, value in LINE.items() if name != "accountId"}
    assert OPERATORS["AccessLogSettings"]["DestinationArn"] == arn("OperatorApiAccessLogs")
    group = properties_of("OperatorApiAccessLogs")
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert group["LogGroupName"] == {"Fn::Sub": "/aws/vendedlogs/apis/${AWS::StackName}-operators"}


def test_requests_are_written_down_in_a_group_that_forgets() -> None:
    assert STAGE["AccessLogSettings"]["DestinationArn"] == arn("ApiAccessLogs")
    group = properties_of("ApiAccessLogs")
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    # Elsewhere, each group that API Gateway writes to takes room in one policy of the account, which is small.
    assert group["LogGroupName"] == {"Fn::Sub": "/aws/vendedlogs/apis/${AWS::StackName}"}


def test_line_is_one_json_object_that_tells_what_failed_and_how_long_it_took() -> None:
    assert "\n" not in FORMAT
    assert {"requestId", "routeKey", "status", "integrationLatencyMs", "error", "accountId"} <= set(LINE)
    assert all(re.fullmatch(r"\$context(\.\w+)+", value) for value in LINE.values())


def test_line_names_the_account_and_nothing_else_about_a_person() -> None:
    assert LINE["accountId"] == "$context.authorizer.claims.sub"
    assert [value for value in LINE.values() if "claims" in value] == [LINE["accountId"]]
    assert not [word for word in FORBIDDEN if word in FORMAT]


@pytest.mark.parametrize(
    ("claim", "named"),
    [
        ("org_id", "$context.authorizer.claims.org_id"),
        ("custom:org_id", "$context.authorizer.claims.custom:org_id"),
        ("org-id", "$context.authorizer.claims.org-id"),
        (
            "https://example.com/org_id",
            "-",
        ),  # the gateway has no variable for it: the function's line names the account
        ("example.com/org_id", "-"),
        ("org.id", "-"),
    ],
)
def test_line_names_the_account_by_the_claim_of_the_deployment(claim: str, named: str) -> None:
    line = json.loads(under(STAGE["AccessLogSettings"]["Format"], AccountClaim=claim))
    assert line == {**LINE, "accountId": named}


def test_line_and_function_tell_the_same_request_id() -> None:
    assert LINE["requestId"] == "$context.requestId"  # which the function gets as requestContext.requestId
