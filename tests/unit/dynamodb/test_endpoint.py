"""The lean client's endpoint is botocore's own or none, its credentials are the current ones, and no value is shown."""

from __future__ import annotations

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
from modelpass.dynamodb.sigv4 import Credentials
from tests.support.store_failures import shown

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
