"""The console in the template: a bucket that CloudFront alone reads, both APIs beside it, headers, what it is told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Final

import pytest

from local.cloudformation.intrinsics import Resolver
from local.machine import ROOT
from local.messages import HttpRequest
from local.web.console import Console
from tests.support.world import expanded_template
from tests.template.parameter_values import CERTIFICATES, CONSOLE, ROWS
from tests.template.resources import EXPANDED, FRONT, SOURCE, Json, properties_of, under
from tests.template.test_template import ROUTES

NAMES: Final = sorted(name for name in EXPANDED if name.startswith("Console"))
NO_CACHE: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
AS_FILES_SAY: Final = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_BUT_HOST: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def distribution(**values: str) -> Json:
    config: Json = under(properties_of("ConsoleDistribution"), **CONSOLE, **values)["DistributionConfig"]
    return config


def origins(**values: str) -> dict[str, Json]:
    return {origin["Id"]: origin for origin in distribution(**values)["Origins"]}


def behaviors() -> dict[str, Json]:
    """What CloudFront does with a path, in the order in which it looks."""
    config = distribution()
    return {**{one["PathPattern"]: one for one in config["CacheBehaviors"]}, "*": config["DefaultCacheBehavior"]}


def directives(text: str) -> dict[str, str]:
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


def policy(**values: str) -> dict[str, str]:
    """The Content-Security-Policy, directive by directive."""
    headers = under(properties_of("ConsoleHeaders"), **values)["ResponseHeadersPolicyConfig"]
    text = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    return directives(text)


def config_json(**values: str) -> Json:
    told: Json = json.loads(under(SOURCE["Outputs"]["ConsoleConfig"]["Value"], **{**CONSOLE, **values}))
    return told


def test_there_is_nothing_of_it_unless_it_is_enabled() -> None:
    assert NAMES == [
        "ConsoleBucket",
        "ConsoleBucketAccess",
        "ConsoleBucketPolicy",
        "ConsoleDistribution",
        "ConsoleHeaders",
        "ConsoleOperatorsPath",
    ]
    outputs = {name for name in SOURCE["Outputs"] if name.startswith("Console")}
    assert outputs == {"ConsoleUrl", "ConsoleDomain", "ConsoleBucketName", "ConsoleDistributionId", "ConsoleConfig"}
    made = [*(EXPANDED[name] for name in NAMES), *(SOURCE["Outputs"][name] for name in outputs)]
    assert {one.get("Condition") for one in made} == {"ConsoleIsOn"}
    assert not Resolver(expanded_template(), {}, "").holds({"Condition": "ConsoleIsOn"})


def test_bucket_is_private_encrypted_and_forgets_what_was_replaced() -> None:
    bucket = properties_of("ConsoleBucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert EXPANDED["ConsoleBucket"]["DeletionPolicy"] == "Retain"  # one that holds something is not deleted anyhow


def test_nobody_but_the_distribution_reads_the_bucket_and_only_by_tls() -> None:
    no_tls, read = properties_of("ConsoleBucketPolicy")["PolicyDocument"]["Statement"]
    assert (no_tls["Effect"], no_tls["Principal"], no_tls["Action"]) == ("Deny", "*", "s3:*")
    assert no_tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (read["Effect"], read["Action"]) == ("Allow", "s3:GetObject")
    assert read["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    distribution_arn = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${ConsoleDistribution}"
    assert read["Condition"] == {"StringEquals": {"aws:SourceArn": {"Fn::Sub": distribution_arn}}}
    access = properties_of("ConsoleBucketAccess")["OriginAccessControlConfig"]
    assert (access["SigningBehavior"], access["SigningProtocol"]) == ("always", "sigv4")
    assert origins()["files"]["OriginAccessControlId"] == {"Fn::GetAtt": ["ConsoleBucketAccess", "Id"]}


def test_each_path_leads_to_its_own_origin() -> None:
    leads = {path: behavior["TargetOriginId"] for path, behavior in behaviors().items()}
    assert leads == {"/v1/*": "customers", "/operators/v1/*": "operators", "*": "files"}
    assert distribution()["DefaultRootObject"] == "index.html"
    named = origins(ConsoleApiDomain="api.example.com", ConsoleOperatorApiDomain="operators.example.com")
    assert named["customers"]["DomainName"] == "api.example.com"
    assert named["operators"]["DomainName"] == "operators.example.com"
    at = ".execute-api.eu-west-1."
    assert origins()["customers"]["DomainName"].startswith("Api" + at)
    assert origins()["operators"]["DomainName"].startswith("OperatorApi" + at)


@pytest.mark.parametrize("path", ["/v1/*", "/operators/v1/*"])
def test_calls_reach_the_apis_whole_over_https_and_no_answer_is_kept(path: str) -> None:
    behavior = behaviors()[path]
    assert behavior["ViewerProtocolPolicy"] == "https-only"  # a redirect would come after the token
    assert (behavior["CachePolicyId"], behavior["OriginRequestPolicyId"]) == (NO_CACHE, ALL_BUT_HOST)
    methods = {route.partition(" ")[0] for route in ROUTES if route != "$default"}
    assert methods <= {*behavior["AllowedMethods"]}
    origin = origins()[behavior["TargetOriginId"]]
    assert origin["CustomOriginConfig"] == {"OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"]}
    shown = origins(ConsoleOriginCertificateArn=CERTIFICATES[0][1])[behavior["TargetOriginId"]]
    assert shown["CustomOriginConfig"]["OriginMtlsConfig"] == {"ClientCertificateArn": CERTIFICATES[0][1]}


def test_no_error_is_kept_for_another_customer() -> None:
    kept = {one["ErrorCode"]: one["ErrorCachingMinTTL"] for one in distribution()["CustomErrorResponses"]}
    assert kept == dict.fromkeys((400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504), 0)
    assert all(len(one) == 2 for one in distribution()["CustomErrorResponses"])  # and none gets another body


def test_files_are_kept_as_they_say_and_can_only_be_read() -> None:
    behavior = behaviors()["*"]
    assert behavior["CachePolicyId"] == AS_FILES_SAY
    assert "OriginRequestPolicyId" not in behavior  # no header of a visitor reaches the bucket
    assert set(behavior["AllowedMethods"]) == {"GET", "HEAD"}
    assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/openai%2Fgpt-4o", "/v1/subscriptions/sub_1/holds", "/v1/operators/v1/x", "/v1/"]
)
def test_operators_prefix_is_cut_off_and_nothing_else_of_the_path(path: str) -> None:
    (association,) = behaviors()["/operators/v1/*"]["FunctionAssociations"]
    assert association["EventType"] == "viewer-request"
    assert association["FunctionARN"] == {"Fn::GetAtt": ["ConsoleOperatorsPath", "FunctionMetadata.FunctionARN"]}
    function = properties_of("ConsoleOperatorsPath")
    assert function["AutoPublish"] is True
    node = shutil.which("node")
    assert node is not None
    event = json.dumps({"request": {"uri": f"/operators{path}", "method": "GET"}})
    script = f"{function['FunctionCode']}\nconsole.log(JSON.stringify(handler({event})))"
    answered = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    assert json.loads(answered.stdout) == {"uri": path, "method": "GET"}


def test_customers_paths_are_not_changed() -> None:
    assert "FunctionAssociations" not in behaviors()["/v1/*"]
    assert "FunctionAssociations" not in behaviors()["*"]


@pytest.mark.parametrize("path", ["/v1/*", "/operators/v1/*", "*"])
def test_every_answer_has_the_headers_of_the_console(path: str) -> None:
    assert behaviors()[path]["ResponseHeadersPolicyId"] == "ConsoleHeaders"


def test_pages_run_nothing_but_what_is_the_consoles_own() -> None:
    told = policy(JwtIssuer="https://sso.example.com/realms/Main")
    assert told["default-src"] == told["base-uri"] == told["frame-ancestors"] == "'none'"
    assert told["script-src"] == told["style-src"] == told["font-src"] == "'self'"
    assert told["img-src"] == "'self' data:"
    assert not any("unsafe" in sources or "*" in sources for sources in told.values())


def test_local_stack_serves_it_with_the_same_policy_and_headers() -> None:
    answer = Console({}, "https://sso.example.com").handle(HttpRequest("GET", "/config.json", "", {}, b"", ""))
    assert answer is not None
    told = policy(JwtIssuer="https://sso.example.com/realms/Main")
    assert directives(answer.headers["Content-Security-Policy"]) == told
    items = properties_of("ConsoleHeaders")["ResponseHeadersPolicyConfig"]["CustomHeadersConfig"]["Items"]
    custom = {one["Header"]: one["Value"] for one in items}
    del custom["Cross-Origin-Resource-Policy"]  # the reference page of the local stack is of another
    assert answer.headers.items() >= custom.items()


def test_pages_call_their_origin_and_the_issuers_alone() -> None:
    one = policy(JwtIssuer="https://sso.example.com:8443/realms/Main")
    assert one["connect-src"] == one["form-action"] == "'self' https://sso.example.com:8443"
    several = policy(
        JwtIssuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A",
        OperatorJwtIssuer="https://staff.example.com",
        ConsoleSignInOrigins="https://a.example,https://b.example:444",
    )
    assert (
        several["connect-src"]
        == several["form-action"]
        == (
            "'self' https://cognito-idp.eu-west-1.amazonaws.com https://staff.example.com https://a.example"
            " https://b.example:444"
        )
    )


def test_browsers_are_told_to_keep_to_https_and_to_tell_nobody_where_they_are() -> None:
    headers = properties_of("ConsoleHeaders")["ResponseHeadersPolicyConfig"]
    security = headers["SecurityHeadersConfig"]
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 31_536_000
    assert security["FrameOptions"]["FrameOption"] == "DENY"
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    assert security["ContentTypeOptions"] == {"Override": True}
    assert all(header["Override"] is True for header in security.values())
    custom = {one["Header"]: one["Value"] for one in headers["CustomHeadersConfig"]["Items"]}
    assert set(custom) == {"Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"}


def test_name_of_its_own_is_answered_with_its_certificate_and_tls_of_today() -> None:
    assert distribution()["ViewerCertificate"] == {"CloudFrontDefaultCertificate": True}
    assert "Aliases" not in distribution()
    config = distribution(ConsoleAlias="console.example.com", ConsoleCertificateArn=CERTIFICATES[0][1])
    assert config["Aliases"] == ["console.example.com"]
    assert config["ViewerCertificate"] == {
        "AcmCertificateArn": CERTIFICATES[0][1],
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    url = SOURCE["Outputs"]["ConsoleUrl"]["Value"]
    named = under(url, ConsoleAlias="console.example.com", ConsoleCertificateArn=CERTIFICATES[0][1])
    assert named == "https://console.example.com"


def test_limits_of_a_front_may_be_its_own_as_well() -> None:
    assert "WebACLId" not in distribution()
    web_acl = ROWS["ConsoleWebAclArn"][0][1]
    assert distribution(ConsoleWebAclArn=web_acl)["WebACLId"] == web_acl
    assert distribution()["IPV6Enabled"] is False
    assert FRONT["Outputs"]["CustomersLimitsArn"]["Value"] == {"Fn::GetAtt": ["CustomersLimits", "Arn"]}


def test_second_stack_in_any_region_of_the_account_finds_every_name_free() -> None:
    named = [
        properties_of("ConsoleOperatorsPath"),
        properties_of("ConsoleBucketAccess")["OriginAccessControlConfig"],
        properties_of("ConsoleHeaders")["ResponseHeadersPolicyConfig"],
    ]
    assert [one["Name"] for one in named] == [{"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}] * 3


def test_console_is_told_whom_to_ask_and_what_to_send() -> None:
    issuer = "https://sso.example.com/realms/Main"
    assert config_json(JwtIssuer=issuer, ConsoleExtra="audience=modelpass&resource=api://a") == {
        "customer": {
            "issuer": issuer,
            "clientId": "console",
            "scope": "openid offline_access",
            "api": "",
            "extra": {"audience": "modelpass", "resource": "api://a"},
        },
        "operator": {
            "issuer": issuer,
            "clientId": "console-operators",
            "scope": "openid offline_access operator",
            "api": "/operators",
            "extra": {},
        },
        "routerUrl": "https://router.example/v1",
        "token": "access_token",
        "operatorClaim": "scope",
        "operatorValue": "operator",
    }
    other = config_json(OperatorJwtIssuer="https://staff.example.com/", ConsoleOperatorExtra="audience=staff")
    assert other["operator"]["issuer"] == "https://staff.example.com/"
    assert other["operator"]["extra"] == {"audience": "staff"}


IN_CONFIG: Final = sorted(
    set(re.findall(r"\b(Console\w+|JwtIssuer|OperatorJwtIssuer|Operator(?:Claim|Value))\b", str(SOURCE["Outputs"])))
    & set(SOURCE["Parameters"])
)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in IN_CONFIG for value in ROWS[name][0]])
def test_whatever_a_parameter_takes_what_the_console_is_told_is_json(name: str, value: str) -> None:
    assert len(IN_CONFIG) > 10
    assert set(config_json(**{name: value})) == set(config_json())


def test_makefile_sends_it_with_the_tools_for_deployments() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^console-deploy: \$\(OPS\)", makefile, re.MULTILINE)
