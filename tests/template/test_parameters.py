"""Every parameter of the template: what works is taken, and what cannot work is refused before anything is made."""

from __future__ import annotations

import itertools
from typing import Final

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from local.cloudformation import parameters
from local.cloudformation.template import REGION
from modelpass.api.claims import names_of
from modelpass.dynamodb.endpoint import ConfigError, store_endpoint
from modelpass.runtime import config
from ops.errors import CommandError
from tests.template.policies import function
from tests.template.resources import EXPANDED, SOURCE, under

TOPIC: Final = "arn:aws:sns:eu-west-1:123456789012"
NO_NUMBERS: Final = ["", "1.5", "1e3", "1.0", "+1", "01", "1 ", " 1", "1\n", "-2", "-0", "0x1", "many", "NaN", "\u0661"]
"""What a CloudFormation `Number` takes for one, or what looks like a whole number and is written otherwise."""
CLAIMS: Final = (
    ["scope", "scp", "cognito:groups", "custom:org_id", "https://example.com/roles", "org-id", "o", "c" * 128],
    ["", " ", "a b", 'a"b', "a\\b", "a$b", "a{b}", "a,b", "é", "c" * 129, "a\n"],
)
CONCURRENCY: Final = (["-1", "0", "1", "2", "500", "10000"], [*NO_NUMBERS, "-10", "1000000"])
ROWS: Final[dict[str, tuple[list[str], list[str]]]] = {
    "Stage": (["dev", "prod", "a", "eu-2", "a" * 16], ["", "Prod", "2", "-a", "a_b", "a" * 17, "dev\n", "é"]),
    "JwtIssuer": (
        [
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123",
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
            "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/",
            "https://tenant.eu.auth0.com/",
            "https://example.okta.com/oauth2/default",
            "https://sso.example.com:8443/realms/Main",
            "https://Sso.Example.com/realms/a%20b",
            "https://xn--bcher-kva.example",
        ],
        [
            *(
                "",
                "sso.example.com",
                "http://sso.example.com",
                "HTTPS://sso.example.com",
                "https://",
                "https:///realms",
            ),
            *(
                "https://sso.example.com?a=b",
                "https://sso.example.com/?a",
                "https://sso.example.com/#a",
                "https://a b.com",
            ),
            *("https://user@sso.example.com", "https://user:word@sso.example.com/", "https://sso.example.com:0/"),
            *("https://sso.example.com:65536", "https://sso.example.com:", "https://localhost:8080/realms/Main"),
            *(
                "https://10.0.0.1/",
                "https://[::1]/",
                "https://sso..example.com",
                "https://.example.com",
                "https://-a.com",
            ),
            *(
                "https://sso.example.com/ ",
                " https://sso.example.com",
                "https://sso.example.com\n",
                "https://bücher.example",
            ),
            *(
                "https://sso.example.com,https://other.example.com",
                'https://sso.example.com/"',
                "https://a_b.example.com",
            ),
        ],
    ),
    "JwtAudience": (
        [
            "modelpass",
            "https://api.example.com/",
            "api://2ff814a6-3304",
            "4t9n1d5bg",
            "one,two",
            "api://a,api://b",
            "-",
        ],
        ["", " ", "a b", " a", "a ", ",", "a,", ",a", "a,,b", "a, b", "a\tb", "a\n", "é"],
    ),
    "OperatorClaim": CLAIMS,
    "OperatorValue": (
        [
            "operator",
            "modelpass/operator",
            "api://modelpass/operator",
            "Model.Operator",
            "read:models",
            "op|1",
            "o" * 255,
        ],
        ["", " ", "a b", "a,b", "[a]", "a]", "{a", "a}", '"a"', "a\\b", "é", "o" * 256, "a\n", "a\t"],
    ),
    "AccountClaim": CLAIMS,
    "CorsOrigins": (
        [
            *("", "*", "https://*", "http://*", "https://*,http://localhost:5173", "https://console.example"),
            *(
                "http://localhost",
                "http://localhost:5173",
                "http://127.0.0.1:3000",
                "https://my_host:8443",
                "https://4you",
            ),
            *("https://xn--bcher-kva.example", "https://a.example,https://b.example", "https://a.example:80"),
            *("http://a.example:443", "https://a.example:8080", "http://a.example:8", "https://a.example:65535"),
            *(
                "https://a.example,https://a.example:8443",
                "https://a.example,http://a.example",
                "https://1.2.3.example",
            ),
            *("https://a.b,https://a.bc", "https://0x.example", "https://example.com,https://www.example.com"),
        ],
        [
            *(
                "https://a.example/",
                "https://a.example/app",
                "https://a.example,https://b.example/",
                "https://a.example?b",
            ),
            *("https://a.example#b", "https://user@a.example", "https://user:word@a.example", "https://A.example"),
            *(
                "HTTPS://a.example",
                "Https://a.example",
                "https://a.example:443",
                "http://a.example:80",
                "http://localhost:80",
            ),
            *("https://a.example:443,https://b.example", "https://b.example,http://a.example:80", "https://a.example:"),
            *("https://a.example:0", "https://a.example:08443", "https://a.example:65536", "https://a.example:port"),
            *("*,https://a.example", "https://a.example,*", "*,*", "*.example", "https://*.example", "https://a.*"),
            *(
                "https://*:8443",
                "https://*/",
                "https://**",
                "https://a.example,https://a.example",
                "https://*,https://*",
            ),
            *("https://a.example,https://b.example,https://a.example", "https://a.example,", ",https://a.example", ","),
            *(
                "https://a.example,,https://b.example",
                "https://a.example, https://b.example",
                "https://a.example;https://b",
            ),
            *(
                "a.example",
                "//a.example",
                "https:a.example",
                "https://",
                "https:///",
                "null",
                "file://",
                "ftp://a.example",
            ),
            *("capacitor://localhost", "chrome-extension://abc", "https://bücher.example", "https://a..example"),
            *("https://.example", "https://-a.example", "https://a-.example", "https://127.1", "http://256.0.0.1"),
            *("http://127.0.0.01", "http://2130706433", "http://0x7f000001", "http://a.0x1", " https://a.example"),
            *(
                "https://a.example ",
                "https://a.example\n",
                "https://a.example\n,https://b.example",
                "http://[::1]:3000",
            ),
        ],
    ),
    "ApiRequestsPerSecond": (["1", "100", "10000", "999999"], [*NO_NUMBERS, "-1", "0", "1000000"]),
    "ApiBurstRequests": (["1", "200", "5000", "999999"], [*NO_NUMBERS, "-1", "0", "1000000"]),
    "AuthorizeConcurrency": CONCURRENCY,
    "SettleConcurrency": (
        ["-1", "0", "10", "15", "99", "100", "200", "1000", "12340"],
        [*NO_NUMBERS, "-10", "101", "1005", "1000000"],
    ),
    "ResetConcurrency": CONCURRENCY,
    "SettleQueueConcurrency": (
        ["2", "5", "10", "20", "50", "100", "200", "500", "1000"],
        [*NO_NUMBERS, "-1", "0", "1", "3", "1001", "2000"],
    ),
    "MaxOpenHolds": (["1", "9", "100", "999", "1000"], [*NO_NUMBERS, "-1", "0", "1001", "9999"]),
    "DeploymentKeyRevision": (["1", "2", "20261127"], [*NO_NUMBERS, "-1", "0", "1" * 10]),
    "Architecture": (["arm64", "x86_64"], ["", "x86", "ARM64", "amd64"]),
    "StoreEndpoint": (
        [
            *("", "http://127.0.0.1:8000", "http://localhost:8000/", "https://dynamodb.eu-west-1.amazonaws.com"),
            *(
                "http://172.17.0.1:8000",
                "http://dynamodb",
                "https://store.example:443",
                "http://[::1]:8000",
                "http://a-b:1",
            ),
        ],
        [
            *(
                "127.0.0.1:8000",
                "localhost",
                "ftp://store",
                "//store",
                "http://",
                "http://:8000",
                "http:store",
                "http://a b",
            ),
            *("http://store:8000/path", "http://store:8000//", "http://store?a=b", "http://store/?", "http://store#a"),
            *(
                "http://user@store",
                "http://user:word@store:8000",
                "http://store:0",
                "http://store:65536",
                "http://store:",
            ),
            *(
                "http://store:port",
                "http://.store",
                "http://store..example",
                "http://a_b:8000",
                "http://-a",
                "http://a-",
            ),
            *("HTTP://store", "http://Store", " http://store", "http://store ", "http://store\n", "http://störe"),
            *("http://[::1", "http://::1", "http://[store]", f"http://{'a' * 64}", "http://store,http://other"),
        ],
    ),
    "StoreClient": (["lean", "boto3"], ["", "Lean", "sdk"]),
    "SchemaVersionWritten": (["1", "2"], [*NO_NUMBERS, "0", "3", "1,2"]),
    "Tracing": (["Disabled", "Active"], ["", "active", "PassThrough", "true"]),
    "LogLevel": (["DEBUG", "INFO", "WARNING", "ERROR"], ["", "info", "TRACE", "LOUD"]),
    "LogRetentionDays": (["7", "14", "30", "60", "90", "180", "365"], [*NO_NUMBERS, "0", "1", "8", "7.0"]),
    "AlarmTopicArn": (
        [
            *("", f"{TOPIC}:on-call", f"{TOPIC}:On_Call-1", "arn:aws-cn:sns:cn-north-1:123456789012:on-call"),
            *("arn:aws-us-gov:sns:us-gov-west-1:123456789012:a", "arn:aws-eusc:sns:eusc-de-east-1:123456789012:a"),
        ],
        [
            *(
                "on-call",
                f"{TOPIC}:on-call.fifo",
                f"{TOPIC}:",
                TOPIC,
                f"{TOPIC}:a:2bcfbf39-05c3-41de-beaa-fcfcc21c8f55",
            ),
            *("arn:aws:sqs:eu-west-1:123456789012:a", "arn:aws:sns::123456789012:a", "arn:aws:sns:eu-west-1::a"),
            *(
                "arn:aws:sns:eu-west-1:12345678901:a",
                f"{TOPIC}:a b",
                f"{TOPIC}:{'a' * 257}",
                f"{TOPIC}:a\n",
                f"{TOPIC}:*",
            ),
            *("arn:AWS:sns:eu-west-1:123456789012:a", "arn:gcp:sns:eu-west-1:123456789012:a", f"{TOPIC}:a,{TOPIC}:b"),
            "arn:aws:sns:anywhere:123456789012:a",
        ],
    ),
    "AuthorizeP99AlarmMs": (["1", "500", "9999", "14999"], [*NO_NUMBERS, "-1", "0", "15000", "60000"]),
    "ResetLagAlarmSeconds": (["60", "99", "3600", "999999"], [*NO_NUMBERS, "-1", "0", "59", "1000000"]),
}
NEEDED: Final = {"SettleConcurrency": {"SettleQueueConcurrency": "2"}}
"""What else has to be said for a value to work."""
PAIRS: Final = [
    (name, value, taken)
    for name, rows in ROWS.items()
    for taken, row in zip((True, False), rows, strict=True)
    for value in row
]


def refusal(**values: str) -> str | None:
    """What is said of values that the template does not allow, alone or together."""
    declared = {name: dict(one) for name, one in SOURCE["Parameters"].items()}
    try:
        parameters.apply({"Parameters": declared, "Rules": SOURCE["Rules"]}, values)
    except CommandError as error:
        return str(error)
    return None


def test_every_parameter_has_its_row_of_values_that_work_and_of_values_that_do_not() -> None:
    assert list(ROWS) == list(SOURCE["Parameters"])
    assert all(taken and refused for taken, refused in ROWS.values())


@pytest.mark.parametrize(("name", "value", "taken"), PAIRS)
def test_what_works_is_taken_and_what_cannot_work_is_refused(name: str, value: str, taken: bool) -> None:  # noqa: FBT001
    told = refusal(**NEEDED.get(name, {}), **{name: value})
    assert (told is None) == taken, told
    if told is not None:
        assert told.startswith(f"PARAMETERS: {name} must ")
        assert "\n" not in told


@pytest.mark.parametrize("name", SOURCE["Parameters"])
def test_parameter_is_text_that_is_constrained_and_says_in_words_how(name: str) -> None:
    declared = SOURCE["Parameters"][name]
    assert declared["Type"] == "String"  # a Number takes 1.5 and 1e3, and hands them on as they are written
    assert isinstance(declared["Default"], str)
    assert ("AllowedPattern" in declared) != ("AllowedValues" in declared)
    if "AllowedPattern" in declared:
        assert declared["ConstraintDescription"].startswith("must be ")


def test_settle_has_at_least_what_its_queue_takes_for_every_pair_of_values() -> None:
    reserved = [*range(-1, 100), *range(100, 1020, 10)]
    for taken, most in itertools.product(SOURCE["Parameters"]["SettleQueueConcurrency"]["AllowedValues"], reserved):
        told = refusal(SettleQueueConcurrency=taken, SettleConcurrency=str(most))
        assert (told is None) == (most in (-1, 0) or most >= int(taken)), (taken, most, told)


def test_too_little_for_the_default_of_the_queue_is_refused_in_words() -> None:
    assert refusal(SettleConcurrency="9") == (
        "PARAMETERS: SettleConcurrency must be -1, 0 or at least SettleQueueConcurrency."
    )


def test_placeholder_of_the_issuer_is_refused_when_it_is_set_and_not_when_the_default_stands() -> None:
    assert refusal(JwtIssuer="https://issuer.example") is not None
    assert refusal(Stage="prod") is None


@pytest.mark.parametrize("value", [v for v in ROWS["StoreEndpoint"][0] if v])
def test_endpoint_that_is_taken_is_one_that_both_clients_of_the_store_take(value: str) -> None:
    host = store_endpoint({"AWS_ENDPOINT_URL_DYNAMODB": value}).host
    client = boto3.client("dynamodb", endpoint_url=value, region_name=REGION)
    assert host in client.meta.endpoint_url


def test_endpoint_that_one_of_the_clients_refuses_is_refused() -> None:
    refused_by_one = [value for value in ROWS["StoreEndpoint"][1] if not _both_take(value)]
    assert len(refused_by_one) > 20  # the others are written as nobody writes them, in upper case or with two slashes
    assert all(refusal(StoreEndpoint=value) for value in refused_by_one)


def _both_take(value: str) -> bool:
    try:
        store_endpoint({"AWS_ENDPOINT_URL_DYNAMODB": value})
        boto3.client("dynamodb", endpoint_url=value, region_name=REGION)
    except (ConfigError, BotoCoreError, ValueError):
        return False
    return True


@pytest.mark.parametrize("value", ROWS["MaxOpenHolds"][0])
def test_open_holds_that_are_taken_are_read_by_the_functions(value: str) -> None:
    assert config.max_open_holds({"MAX_OPEN_HOLDS": value}) == int(value)


@pytest.mark.parametrize("name", ["OperatorClaim", "OperatorValue", "AccountClaim"])
def test_claims_that_are_taken_are_read_by_the_functions(name: str) -> None:
    setting = {"OperatorClaim": "OPERATOR_CLAIM", "OperatorValue": "OPERATOR_VALUE", "AccountClaim": "ACCOUNT_CLAIM"}[
        name
    ]
    for value in ROWS[name][0]:
        assert value in names_of({setting: value})


def test_alarm_of_slow_authorizes_can_begin_before_the_function_times_out() -> None:
    timeout_ms = function("AuthorizeFunction")["Timeout"] * 1000
    assert refusal(AuthorizeP99AlarmMs=str(timeout_ms - 1)) is None
    assert refusal(AuthorizeP99AlarmMs=str(timeout_ms)) is not None


def test_several_audiences_are_each_enough() -> None:
    (api,) = (r["Properties"] for r in EXPANDED.values() if r["Type"] == "AWS::ApiGatewayV2::Api")
    (scheme,) = api["Body"]["components"]["securitySchemes"].values()
    audience = scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"]["audience"]
    assert under(audience) == ["modelpass"]
    assert under(audience, JwtAudience="one,https://two.example/") == ["one", "https://two.example/"]
