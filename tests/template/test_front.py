"""`front/template.yaml`, the sample of a front: who is turned away there and how, and what passes unchanged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest

from local.cloudformation.intrinsics import Resolver
from local.machine import ROOT
from tests.template.front_stack import API, CERTIFICATE, OPERATORS_API, distribution, made, resource
from tests.template.resources import FRONT, Json, properties_of, under
from tests.template.test_template import ROUTES

PAGE: Final = (ROOT / "docs" / "operations.md").read_text("utf-8")
BY_AUTHORIZATION: Final = {
    "CustomKeys": [
        {
            "Header": {
                "Name": "authorization",
                "TextTransformations": [
                    {"Priority": 0, "Type": "LOWERCASE"},
                    {"Priority": 1, "Type": "COMPRESS_WHITE_SPACE"},
                ],
            }
        }
    ],
    "AggregateKeyType": "CUSTOM_KEYS",
}
BY_ADDRESS: Final = {"AggregateKeyType": "IP"}
OWNERS_ROUTES: Final = ("}/key", "}/cancel")


def rules(name: str, **values: str) -> dict[str, Json]:
    """The rules of a web ACL in the order in which they are asked, by name."""
    listed = sorted(resource(name, **values)["Rules"], key=lambda rule: rule["Priority"])
    assert len({rule["Priority"] for rule in listed}) == len(listed)
    return {rule["Name"]: rule for rule in listed}


def rate(rule: Json) -> Json:
    statement: Json = rule["Statement"]["RateBasedStatement"]
    return statement


FRONTS: Final = ["CustomersFront", "OperatorsFront"]
WEB_ACLS: Final = ["CustomersLimits", "OperatorsLimits"]


@pytest.mark.parametrize(
    ("name", "rule", "limit", "key"),
    [
        ("CustomersLimits", "OwnersCallsByAuthorization", "OwnersCallsPerAuthorization", BY_AUTHORIZATION),
        ("CustomersLimits", "OwnersCallsByAddress", "OwnersCallsPerAddress", BY_ADDRESS),
        ("CustomersLimits", "RequestsByAuthorization", "RequestsPerAuthorization", BY_AUTHORIZATION),
        ("CustomersLimits", "RequestsByAddress", "RequestsPerAddress", BY_ADDRESS),
        ("OperatorsLimits", "RequestsByAuthorization", "OperatorsRequestsPerAuthorization", BY_AUTHORIZATION),
        ("OperatorsLimits", "RequestsByAddress", "OperatorsRequestsPerAddress", BY_ADDRESS),
    ],
)
def test_requests_are_limited_by_their_key_as_the_parameters_say(name: str, rule: str, limit: str, key: Json) -> None:
    found = rate(rules(name, **{limit: "123", "EvaluationWindowSeconds": "120"})[rule])
    assert (found["Limit"], found["EvaluationWindowSec"]) == ("123", "120")
    assert {part: found[part] for part in found if part in {"AggregateKeyType", "CustomKeys"}} == key
    assert ("ScopeDownStatement" in found) == rule.startswith("OwnersCalls")


@pytest.mark.parametrize("name", WEB_ACLS)
def test_whoever_asks_for_too_much_is_told_what_api_gateway_tells_and_all_others_pass(name: str) -> None:
    web_acl = resource(name)
    assert web_acl["Scope"] == "CLOUDFRONT"
    assert web_acl["DefaultAction"] == {"Allow": {}}
    body = {"ContentType": "APPLICATION_JSON", "Content": '{"message":"Too Many Requests"}'}
    assert web_acl["CustomResponseBodies"] == {"TooManyRequests": body}
    turned_away = {"Block": {"CustomResponse": {"ResponseCode": 429, "CustomResponseBodyKey": "TooManyRequests"}}}
    assert all(rule["Action"] == turned_away for rule in web_acl["Rules"])


@pytest.mark.parametrize("name", WEB_ACLS)
def test_no_token_is_kept_in_samples_of_requests(name: str) -> None:
    web_acl = resource(name, IpReputationList="Enabled")
    shown = [web_acl["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in web_acl["Rules"])]
    assert all(one["SampledRequestsEnabled"] is False and one["CloudWatchMetricsEnabled"] is True for one in shown)
    metrics = [one["MetricName"] for one in shown]
    assert sorted(metrics) == sorted({*metrics})


@pytest.mark.parametrize("name", WEB_ACLS)
def test_addresses_of_bad_repute_are_refused_first_and_only_on_demand(name: str) -> None:
    assert "KnownForAttacks" not in rules(name)
    first, *_ = rules(name, IpReputationList="Enabled").values()
    assert first["Statement"]["ManagedRuleGroupStatement"]["Name"] == "AWSManagedRulesAmazonIpReputationList"


def limited_as_owners_call(path: str) -> bool:
    """Whether the smaller limits are for this path, as WAF finds out: decoded once for each transformation."""
    found = []
    for rule in ("OwnersCallsByAuthorization", "OwnersCallsByAddress"):
        match = rate(rules("CustomersLimits")[rule])["ScopeDownStatement"]["RegexMatchStatement"]
        assert match["FieldToMatch"] == {"UriPath": {}}
        looked_at = path
        for transformation in match["TextTransformations"]:
            assert transformation["Type"] == "URL_DECODE"
            looked_at = unquote(looked_at)
        found.append(re.search(match["RegexString"], looked_at) is not None)
    assert len({*found}) == 1
    return found[0]


@pytest.mark.parametrize("route", sorted(set(ROUTES) - {"$default"}))
def test_smaller_limits_are_for_new_keys_and_cancellations_and_no_other_call(route: str) -> None:
    path = re.sub(r"\{(\w+)\+?\}", "ab12-key", route.partition(" ")[2])
    assert limited_as_owners_call(path) == route.endswith(OWNERS_ROUTES)
    assert limited_as_owners_call(f"/entitlements{path}") == route.endswith(OWNERS_ROUTES)  # behind a mapping key


@pytest.mark.parametrize(
    "path", ["/k%65y", "/%6b%65%79", "%2Fkey", "/key%3Fa", "/key?a", "/key/", "/key%2F", "/%63ancel", "/k%2565y"]
)
def test_other_spellings_of_a_path_do_not_get_around_the_smaller_limits(path: str) -> None:
    assert limited_as_owners_call(f"/v1/subscriptions/sub_1{path}")


@pytest.mark.parametrize("front", FRONTS)
def test_nothing_is_cached_not_even_an_error(front: str) -> None:
    config = distribution(front, OperatorsApiDomain=OPERATORS_API)
    assert "CacheBehaviors" not in config
    assert config["DefaultCacheBehavior"]["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
    assert config["CustomErrorResponses"] == [
        {"ErrorCode": status, "ErrorCachingMinTTL": 0}
        for status in (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)  # all that CloudFront keeps
    ]


@pytest.mark.parametrize("front", FRONTS)
def test_calls_of_every_method_reach_the_api_with_their_token(front: str) -> None:
    behavior = distribution(front, OperatorsApiDomain=OPERATORS_API)["DefaultCacheBehavior"]
    # AllViewerExceptHostHeader: every header, Authorization as well, but for Host.
    assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    methods = {route.partition(" ")[0] for route in ROUTES if route != "$default"} | {"OPTIONS"}
    assert methods <= {*behavior["AllowedMethods"]}


@pytest.mark.parametrize(("front", "domain"), [("CustomersFront", API), ("OperatorsFront", OPERATORS_API)])
def test_each_front_leads_to_its_own_api_behind_its_own_limits(front: str, domain: str) -> None:
    config = distribution(front, OperatorsApiDomain=OPERATORS_API)
    (origin,) = config["Origins"]
    assert (origin["Id"], origin["DomainName"]) == (config["DefaultCacheBehavior"]["TargetOriginId"], domain)
    assert config["WebACLId"] == {"Fn::GetAtt": [front.replace("Front", "Limits"), "Arn"]}


def test_operators_have_a_front_only_where_their_api_is_named() -> None:
    of_operators = {name for name, one in FRONT["Resources"].items() if one.get("Condition") == "OperatorsHaveAFront"}
    assert of_operators == {"OperatorsFront", "OperatorsLimits"}
    for values, had in (({}, False), ({"OperatorsApiDomain": OPERATORS_API}, True)):
        assert Resolver(made(**values), {}, "").holds({"Condition": "OperatorsHaveAFront"}) is had


@pytest.mark.parametrize("front", FRONTS)
def test_only_https_is_spoken_on_both_sides(front: str) -> None:
    config = distribution(front, OperatorsApiDomain=OPERATORS_API)
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "https-only"
    assert config["HttpVersion"] == "http2and3"
    (origin,) = config["Origins"]
    assert origin["CustomOriginConfig"] == {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]}
    assert config["ViewerCertificate"] == {"CloudFrontDefaultCertificate": True}
    assert "Aliases" not in config


@pytest.mark.parametrize(
    ("front", "alias"), [("CustomersFront", "CustomersAlias"), ("OperatorsFront", "OperatorsAlias")]
)
def test_alias_is_answered_with_its_certificate_and_tls_of_today(front: str, alias: str) -> None:
    values = {alias: "api.example.com", "CertificateArn": CERTIFICATE, "OperatorsApiDomain": OPERATORS_API}
    config = distribution(front, **values)
    assert config["Aliases"] == ["api.example.com"]
    assert config["ViewerCertificate"] == {
        "AcmCertificateArn": CERTIFICATE,
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }


@pytest.mark.parametrize("front", FRONTS)
def test_domain_that_asks_for_a_certificate_is_shown_one(front: str) -> None:
    values = {"OperatorsApiDomain": OPERATORS_API, "OriginClientCertificateArn": CERTIFICATE}
    (origin,) = distribution(front, **values)["Origins"]
    assert origin["CustomOriginConfig"]["OriginMtlsConfig"] == {"ClientCertificateArn": CERTIFICATE}


@pytest.mark.parametrize("front", FRONTS)
def test_limits_by_address_are_not_evaded_by_the_many_addresses_of_ipv6(front: str) -> None:
    assert distribution(front, OperatorsApiDomain=OPERATORS_API)["IPV6Enabled"] is False


@pytest.mark.parametrize("front", FRONTS)
def test_addresses_of_callers_are_logged_only_on_demand(front: str) -> None:
    bucket = "my-logs.s3.amazonaws.com"
    assert "Logging" not in distribution(front, OperatorsApiDomain=OPERATORS_API)
    logged = distribution(front, OperatorsApiDomain=OPERATORS_API, LogBucket=bucket)["Logging"]
    assert (logged["Bucket"], logged["IncludeCookies"]) == (bucket, False)


@pytest.mark.parametrize("api", ["Api", "OperatorApi"])
def test_default_endpoints_are_open_until_they_are_closed(api: str) -> None:
    (server,) = properties_of(api)["Body"]["servers"]
    closed: Any = server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]
    assert under(closed) is False
    assert under(closed, DefaultEndpoints="Closed") is True


def test_operators_page_tells_every_parameter_and_the_limits_as_they_are() -> None:
    section = PAGE.partition("\n## A front with rate limits\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", section, re.MULTILINE))
    assert list(rows) == list(FRONT["Parameters"])
    for name, told in rows.items():
        default = FRONT["Parameters"][name].get("Default")
        assert told.startswith(f"`{default}`" if default else "none" if default is None else "empty")


def test_cfn_lint_finds_nothing_and_make_validate_looks_at_it() -> None:
    cfn_lint = str(Path(sys.executable).parent / "cfn-lint")
    command = [cfn_lint, "--regions", "us-east-1", "--", "front/template.yaml"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    makefile = (ROOT / "Makefile").read_text("utf-8").partition("\nvalidate:")[2].partition("\n\n")[0]
    assert "cfn-lint --regions us-east-1 -- front/template.yaml" in makefile
    assert "$(CHECKOV) -f template.yaml -f front/template.yaml" in makefile
