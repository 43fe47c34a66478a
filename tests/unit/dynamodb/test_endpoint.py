"""Where the lean client asks, and as whom: botocore's own endpoint or none; no value of a setting is ever shown."""

from __future__ import annotations

import traceback
from functools import cache

import botocore.session
import pytest
from botocore.endpoint_provider import EndpointProvider

from modelpass.dynamodb.endpoint import (
    ConfigError,
    Endpoint,
    RotatingCredentials,
    credentials_of,
    region_of,
    store_endpoint,
)
from modelpass.dynamodb.lean_client import LeanClient
from modelpass.dynamodb.sigv4 import Credentials
from modelpass.dynamodb.transport import StoreRejectedError
from modelpass.runtime import config

SPECIFIC, GENERAL = "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"
ID, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
GIVEN = {ID: "AKIDEXAMPLE", SECRET: "wJalrXUtnFEMI/K7MDENG", TOKEN: "session/token+=="}
NO_ENDPOINTS = [
    *("s3cret.example", "ftp://s3cret.example", "//s3cret.example", "https://", "http://:80", "https:s3cret"),
    *("https://s3cret.example/path", "https://s3cret.example?a=b", "https://s3cret.example#a"),
    *("https://s3cret@host.example", "https://user:s3cret@host.example", "https://:s3cret@host.example"),
    *("https://@s3cret.example", "https://s3cret.example:0", "https://s3cret.example:65536", "https://s3cret:port"),
    *(
        "https://s3cret.example:-1",
        "https://s3cret\r\nx-more: 1",
        "https://s3cret\n.example",
        "https://s3cret\t.example",
    ),
    *("https://s3cret host", "https://s3cret\x00.example", " https://s3cret.example", "https://s3cret.example\n"),
    *("https://s3crét.example", "https://s3cret\\@host.example", "https://[s3cret]", "https://[::1", "https://::1::"),
    *("https://.s3cret.example", "https://s3cret..example", f"https://s3cret{'a' * 63}.example", "https://s3cret%2e"),
    *("https://s3cret,example", 'https://s3cret"example', "https://s3cret.example:80:80"),
]
UNFIT = [
    "s3cret\r\nx-more: 1",
    "s3cret\n",
    "s3cret\x00",
    "s3cret\x7f",
    "s3cret token",
    "s3crét",
    "s3cret\udcff",
    " ",
    "\t",
]


@cache
def regions() -> tuple[str, ...]:
    """Every Region that botocore knows, of every partition."""
    session = botocore.session.get_session()
    partitions = session.get_available_partitions()
    found = {region for p in partitions for region in session.get_available_regions("dynamodb", p)}
    every = session.get_component("endpoint_resolver")._endpoint_data["partitions"]
    found |= {region for partition in every for region in partition["regions"]}
    return tuple(sorted(found))


@cache
def rules() -> EndpointProvider:
    """What botocore finds an endpoint by."""
    loader = botocore.session.get_session().get_component("data_loader")
    rule_set = loader.load_service_model("dynamodb", "endpoint-rule-set-1")
    return EndpointProvider(rule_set, loader.load_data("partitions"))


def of_botocore(region: str) -> str:
    url: str = rules().resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False).url
    return url


def url_of(endpoint: Endpoint) -> str:
    return f"http{'s' * endpoint.tls}://{endpoint.authority}"


def isolated(region: str) -> bool:
    return "-iso" in region


def test_every_region_is_known_here() -> None:
    assert len(regions()) >= 38
    assert {"eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1"} <= {*regions()}


def test_endpoint_is_botocores_for_every_region_that_is_not_refused() -> None:
    for region in (name for name in regions() if not isolated(name)):
        endpoint = store_endpoint({"AWS_REGION": region})
        assert url_of(endpoint) == of_botocore(region), region
        assert (endpoint.port, endpoint.tls, endpoint.host) == (443, True, endpoint.authority)


@pytest.mark.parametrize("setting", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
@pytest.mark.parametrize("value", ["true", "True", "TRUE"])
def test_other_kinds_of_endpoints_are_left_to_boto3(setting: str, value: str) -> None:
    environment = {"AWS_REGION": "eu-west-1", setting: value}
    with pytest.raises(ConfigError, match=rf"^{setting} needs STORE_CLIENT=boto3, or {SPECIFIC}$"):
        store_endpoint(environment)
    assert store_endpoint({**environment, setting: "false"}).authority == "dynamodb.eu-west-1.amazonaws.com"
    assert store_endpoint({**environment, SPECIFIC: "https://other.example"}).host == "other.example"


def test_isolated_partitions_are_left_to_boto3() -> None:
    refused = [name for name in regions() if isolated(name)]
    assert len(refused) >= 4
    for region in refused:
        with pytest.raises(ConfigError, match="needs STORE_CLIENT=boto3"):
            store_endpoint({"AWS_REGION": region})


@pytest.mark.parametrize(
    "name", ["", "local", "eu-west", "EU-WEST-1", "eu-west-1.s3cret", "eu-west-1\r\nx: 1", "eu/-1"]
)
def test_what_names_no_region_is_refused_without_being_shown(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        store_endpoint({"AWS_REGION": name})
    assert str(caught.value) == "AWS_REGION must name a Region"


def test_region_is_what_lambda_tells() -> None:
    assert region_of({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}) == "eu-west-1"
    assert region_of({"AWS_DEFAULT_REGION": "us-east-1"}) == "us-east-1"


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://127.0.0.1:8000", Endpoint("127.0.0.1", 8000, tls=False, authority="127.0.0.1:8000")),
        ("http://localhost", Endpoint("localhost", 80, tls=False, authority="localhost")),
        ("http://localhost:80/", Endpoint("localhost", 80, tls=False, authority="localhost")),
        ("https://a.example", Endpoint("a.example", 443, tls=True, authority="a.example")),
        ("https://a.example:443", Endpoint("a.example", 443, tls=True, authority="a.example")),
        ("https://A.example:8443/", Endpoint("a.example", 8443, tls=True, authority="a.example:8443")),
        ("http://a.example:443", Endpoint("a.example", 443, tls=False, authority="a.example:443")),
        ("http://my_engine:8000", Endpoint("my_engine", 8000, tls=False, authority="my_engine:8000")),
        ("http://[::1]:8000", Endpoint("::1", 8000, tls=False, authority="[::1]:8000")),
        ("https://[2001:db8::1]", Endpoint("2001:db8::1", 443, tls=True, authority="[2001:db8::1]")),
    ],
)
def test_endpoint_that_is_named_is_taken(url: str, endpoint: Endpoint) -> None:
    assert store_endpoint({SPECIFIC: url}) == endpoint
    assert store_endpoint({GENERAL: url, SPECIFIC: ""}) == endpoint
    assert store_endpoint({GENERAL: "https://general.example", SPECIFIC: url, "AWS_REGION": "x"}) == endpoint


@pytest.mark.parametrize("url", NO_ENDPOINTS)
@pytest.mark.parametrize("name", [SPECIFIC, GENERAL])
def test_what_is_no_endpoint_is_refused_by_the_name_of_its_setting(name: str, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        store_endpoint({name: url, "AWS_REGION": "eu-west-1"})
    assert str(caught.value) == f"{name} must be http(s)://host or http(s)://host:port"
    assert "s3cr" not in shown(caught.value)


def test_client_is_chosen_by_a_setting_and_is_boto3_unless_told() -> None:
    assert config.lean_client_chosen({"STORE_CLIENT": "lean"})
    assert not config.lean_client_chosen({"STORE_CLIENT": "boto3"})
    assert not config.lean_client_chosen({})
    for other in ("", "Lean", "s3cret"):
        with pytest.raises(ConfigError, match=r"^STORE_CLIENT must be lean or boto3$"):
            config.lean_client_chosen({"STORE_CLIENT": other})


def test_credentials_are_those_of_the_environment_as_it_is_now() -> None:
    environment = dict(GIVEN)
    now = RotatingCredentials(environment)
    assert now() == credentials_of(environment) == Credentials(GIVEN[ID], GIVEN[SECRET], GIVEN[TOKEN])
    environment |= {ID: "other", SECRET: "another", TOKEN: ""}
    assert now() == credentials_of(environment) == Credentials("other", "another", None)
    environment |= {ID: "third"}
    del environment[TOKEN]
    assert now() == credentials_of(environment) == Credentials("third", "another", None)
    del environment[ID]
    with pytest.raises(ConfigError):
        now()


def test_rotated_credentials_sign_the_very_next_request() -> None:
    environment = dict(GIVEN)
    credentials = RotatingCredentials(environment)
    assert credentials() == Credentials(GIVEN[ID], GIVEN[SECRET], GIVEN[TOKEN])
    environment |= {ID: "other", SECRET: "another", TOKEN: "a-later-one"}
    assert credentials() == credentials() == Credentials("other", "another", "a-later-one")
    del environment[ID]
    with pytest.raises(ConfigError, match=ID):
        credentials()


@pytest.mark.parametrize("missing", [ID, SECRET])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_credentials_are_a_fault_of_ours_and_nothing_is_sent(missing: str, value: str | None) -> None:
    environment = {name: given for name, given in {**GIVEN, missing: value}.items() if given is not None}
    failure = refused_by_client(environment)
    assert str(failure) == f"{missing} is missing"
    assert_secret(failure)


@pytest.mark.parametrize("name", [ID, SECRET, TOKEN])
@pytest.mark.parametrize("value", UNFIT)
def test_credentials_that_no_header_can_hold_are_a_fault_of_ours(name: str, value: str) -> None:
    failure = refused_by_client({**GIVEN, name: value})
    assert str(failure).endswith("must be visible ASCII characters")
    assert_secret(failure)


def test_nothing_shows_a_secret() -> None:
    credentials = credentials_of(GIVEN)
    endpoint = Endpoint("127.0.0.1", 1, tls=False, authority="127.0.0.1:1")
    client = LeanClient(endpoint, "eu-west-1", lambda: credentials)
    for seen in (repr(credentials), str(credentials), f"{credentials}", f"{[credentials]}", repr(client), str(client)):
        assert GIVEN[SECRET] not in seen
        assert GIVEN[TOKEN] not in seen


def refused_by_client(environment: dict[str, str]) -> StoreRejectedError:
    """What a client says that has such credentials; nobody listens where it would ask."""
    endpoint = Endpoint("127.0.0.1", 1, tls=False, authority="127.0.0.1:1")
    client = LeanClient(endpoint, "eu-west-1", RotatingCredentials(environment))
    with pytest.raises(StoreRejectedError) as caught:
        client.send("GetItem", {"TableName": "t"})
    return caught.value


def assert_secret(failure: BaseException) -> None:
    for value in ("s3cr", GIVEN[SECRET], GIVEN[TOKEN]):
        assert value not in shown(failure)


def shown(failure: BaseException) -> str:
    """All that a log could have of a failure: where it was raised, what led to it, and how it represents itself."""
    return "".join(traceback.format_exception(failure)) + repr(failure) + str(failure.args)
