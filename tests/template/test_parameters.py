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
from tests.template.parameter_values import CERTIFICATES, CONSOLE, NEEDED, PRODUCTION, ROWS
from tests.template.policies import function
from tests.template.resources import SOURCE, properties_of, under

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
    assert refusal(**PRODUCTION) is None


TOPIC_IS_NAMED = "PARAMETERS: Stage prod needs AlarmTopicArn: without it, nobody is told of alarms."
RESERVED = "PARAMETERS: Stage prod needs {0} of at least 1: without it, other functions of the account can stop it."


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"AlarmTopicArn": ""}, TOPIC_IS_NAMED),
        ({"AuthorizeConcurrency": "-1"}, RESERVED.format("AuthorizeConcurrency")),
        ({"AuthorizeConcurrency": "0"}, RESERVED.format("AuthorizeConcurrency")),
        ({"SettleConcurrency": "-1"}, RESERVED.format("SettleConcurrency")),
        ({"SettleConcurrency": "0"}, RESERVED.format("SettleConcurrency")),
        ({"SettleConcurrency": "9"}, "PARAMETERS: SettleConcurrency must be -1, 0 or at least SettleQueueConcurrency."),
        (
            {"SettleQueueConcurrency": "500"},
            "PARAMETERS: SettleConcurrency must be -1, 0 or at least SettleQueueConcurrency.",
        ),
    ],
    ids=str,
)
def test_production_that_nobody_watches_or_that_others_can_starve_is_refused(
    changed: dict[str, str], told: str
) -> None:
    assert refusal(**{**PRODUCTION, **changed}) == told
    of_other_stages = {**PRODUCTION, **changed, "Stage": "staging"}
    assert refusal(**of_other_stages) == (None if "needs" in told else told)


@pytest.mark.parametrize("left_out", [name for name in PRODUCTION if name != "Stage"])
def test_production_is_refused_with_the_defaults_of_what_it_needs(left_out: str) -> None:
    told = refusal(**{name: value for name, value in PRODUCTION.items() if name != left_out})
    assert told is not None
    assert left_out in told


@pytest.mark.parametrize(
    "more",
    [
        {"AuthorizeConcurrency": "1"},
        {"SettleConcurrency": "2", "SettleQueueConcurrency": "2"},
        {"SettleConcurrency": "1000", "SettleQueueConcurrency": "1000"},
    ],
    ids=str,
)
def test_production_that_is_watched_and_reserved_is_taken(more: dict[str, str]) -> None:
    assert refusal(**{**PRODUCTION, **more}) is None


@pytest.mark.parametrize("left_out", CONSOLE)
def test_console_that_does_not_know_whom_it_serves_is_refused(left_out: str) -> None:
    told = refusal(Console="Enabled", **{name: value for name, value in CONSOLE.items() if name != left_out})
    assert told is not None
    assert told.startswith(f"PARAMETERS: Console=Enabled needs {left_out}: ")


@pytest.mark.parametrize("domains", [(), ("ConsoleApiDomain",), ("ConsoleOperatorApiDomain",)])
def test_console_of_apis_that_answer_at_custom_domains_alone_has_to_know_them(domains: tuple[str, ...]) -> None:
    closed = {"Console": "Enabled", "DefaultEndpoints": "Closed", **CONSOLE}
    named = dict.fromkeys(domains, "api.example.com")
    assert refusal(**closed, **named) == (
        "PARAMETERS: Console=Enabled with DefaultEndpoints=Closed needs ConsoleApiDomain and ConsoleOperatorApiDomain."
    )
    assert refusal(**{**closed, "DefaultEndpoints": "Open"}, **named) is None
    assert refusal(**{**closed, "Console": "Disabled"}, **named) is None
    every = {"ConsoleApiDomain": "api.example.com", "ConsoleOperatorApiDomain": "operators.example.com"}
    assert refusal(**closed, **every) is None


def test_name_of_the_console_and_its_certificate_go_together() -> None:
    told = "PARAMETERS: ConsoleCertificateArn must be named with ConsoleAlias, and only with it."
    assert refusal(ConsoleAlias="console.example.com") == told
    assert refusal(ConsoleCertificateArn=CERTIFICATES[0][1]) == told


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


@pytest.mark.parametrize("value", ROWS["PriceChangeFactor"][0])
def test_factor_that_is_taken_is_read_by_the_functions(value: str) -> None:
    assert config.price_change_factor({"PRICE_CHANGE_FACTOR": value}) == int(value)


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


@pytest.mark.parametrize(
    ("api", "parameter", "usual"),
    [("Api", "JwtAudience", "modelpass"), ("OperatorApi", "OperatorJwtAudience", "modelpass-operators")],
)
def test_several_audiences_are_each_enough(api: str, parameter: str, usual: str) -> None:
    (scheme,) = properties_of(api)["Body"]["components"]["securitySchemes"].values()
    audience = scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"]["audience"]
    assert under(audience) == [usual]
    assert under(audience, **{parameter: "one,https://two.example/"}) == ["one", "https://two.example/"]


ONE, OTHER = "https://one.example", "https://other.example"


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"JwtIssuer": ONE}, False),
        ({"JwtIssuer": ONE, "OperatorJwtAudience": "modelpass"}, True),
        ({"JwtIssuer": ONE, "JwtAudience": "a,b", "OperatorJwtAudience": "a,b"}, True),
        ({"JwtIssuer": ONE, "OperatorJwtIssuer": ONE, "OperatorJwtAudience": "modelpass"}, True),
        ({"JwtIssuer": ONE, "OperatorJwtIssuer": OTHER, "OperatorJwtAudience": "modelpass"}, False),
    ],
)
def test_operators_tokens_differ_from_customers_by_issuer_or_audience(
    values: dict[str, str],
    refused: bool,  # noqa: FBT001
) -> None:
    assert (refusal(**values) is not None) == refused
