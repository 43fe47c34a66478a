"""A setting that is missing or wrong is refused by name, at once, and its value is never shown."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import botocore.session
import pytest

from local.machine import ROOT
from modelpass_client.aws.boto import Boto3Backend
from modelpass_client.aws.endpoint import Endpoint, endpoint_at, endpoint_of, region_of
from modelpass_client.aws.invoke import InvokeBackend
from modelpass_client.aws.sigv4 import Credentials
from modelpass_client.errors import ConfigurationError
from tests.client.aws.way import CREDENTIALS, REGION, SECRETS

FUNCTIONS = ["authorize_function", "settle_function", "describe_key_function"]
URL = "http://127.0.0.1:1"


def refused(**settings: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        InvokeBackend(**{"endpoint": URL, "region": REGION, "credentials": CREDENTIALS, **settings})
    text = str(raised.value)
    assert not [secret for secret in SECRETS if secret in text]
    return text


@pytest.mark.parametrize("setting", FUNCTIONS)
@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a/b",
        "../x",
        "fn:",
        "fn:a:b",
        "fn\r\nx: y",
        "fn?Qualifier=x",
        "fn%3Alive",
        "x" * 65,
        "arn:aws:lambda:eu-west-1:12345:function:f",
        "arn:aws:iam::123456789012:role/f",
    ],
)
def test_a_name_that_is_no_functions_is_refused_by_its_setting(setting: str, name: str) -> None:
    text = f"{setting} must be the name or the ARN of a function"
    assert refused(**{setting: name}) == text
    with pytest.raises(ConfigurationError, match=text):
        Boto3Backend(None, **{setting: name})


@pytest.mark.parametrize(
    "name",
    [
        "Authorize-Function_1",
        "stack-AuthorizeFunction-1A2B:live",
        "fn:$LATEST",
        "fn:12",
        "arn:aws:lambda:eu-west-1:123456789012:function:fn",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:fn:live",
        "123456789012:function:fn:live",
        "function:fn",
    ],
)
def test_every_form_of_a_name_is_taken(name: str) -> None:
    InvokeBackend(URL, region=REGION, credentials=CREDENTIALS, settle_function=name)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("setting", ["connect_seconds", "read_seconds", "connections"])
def test_a_bound_that_bounds_nothing_is_refused(setting: str, value: float) -> None:
    assert refused(**{setting: value}) == f"{setting} must be above 0"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:3000",
        "ftp://h",
        "http://",
        "http://h/path",
        "http://h?x",
        "http://u:secret@h",
        "http://h:0",
        "http://h:x",
        "http://h:99999",
        "http://h x",
        "http://h\r\nx: y",
        "http://[::1",
    ],
)
def test_a_url_that_is_no_endpoint_is_refused(url: str) -> None:
    assert refused(endpoint=url) == "endpoint must be http(s)://host or http(s)://host:port"


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://127.0.0.1:3000", Endpoint("127.0.0.1", 3000, tls=False, authority="127.0.0.1:3000")),
        ("https://H.example/", Endpoint("h.example", 443, tls=True, authority="h.example")),
        ("https://h.example:443", Endpoint("h.example", 443, tls=True, authority="h.example")),
        ("http://[::1]:3000", Endpoint("::1", 3000, tls=False, authority="[::1]:3000")),
    ],
)
def test_endpoints_are_read_from_urls(url: str, endpoint: Endpoint) -> None:
    assert endpoint_at(url) == endpoint


def test_endpoints_of_every_region_are_botocores() -> None:
    session = botocore.session.get_session()
    resolver = session.get_component("endpoint_resolver")
    seen = set()
    for partition in ("aws", "aws-cn", "aws-us-gov", "aws-eusc"):
        for service in ("lambda", "sqs"):
            for region in session.get_available_regions(service, partition):
                if "fips" in region or "dualstack" in region:
                    continue
                told = resolver.construct_endpoint(service, region)
                assert endpoint_of(service, region, {}).host in {told["hostname"], told.get("sslCommonName")}
                seen.add((service, region))
    assert len(seen) > 60


@pytest.mark.parametrize("region", ["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"])
def test_an_isolated_region_needs_a_named_endpoint(region: str) -> None:
    assert "endpoint" in refused(endpoint=None, region=region)


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_a_kind_of_endpoint_that_is_not_followed_is_never_ignored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "true")
    assert name in refused(endpoint=None)
    InvokeBackend(URL, region=REGION, credentials=CREDENTIALS)


@pytest.mark.parametrize("region", ["", "nowhere", "eu-west-1\r\nx", "EU-WEST-1"])
def test_a_region_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert refused(region=region) == "region (AWS_REGION) must name a Region of AWS"


def test_the_region_is_the_environments_unless_it_is_named() -> None:
    environment = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}
    assert region_of(None, environment) == "eu-west-1"
    assert region_of(None, {"AWS_DEFAULT_REGION": "eu-west-2"}) == "eu-west-2"
    assert region_of("eu-west-3", environment) == "eu-west-3"


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("", "secret-of-tests"),
        Credentials("AKIDOFTESTS", ""),
        Credentials("AKIDOFTESTS\r\nx: y", "secret-of-tests"),
        Credentials("AKIDOFTESTS", "secret of tests"),
        Credentials("AKIDOFTESTS", "secret-of-tests", "tok\nen"),
        Credentials("AKIDOFTESTS", "secret-of-tests", "é"),
    ],
)
def test_credentials_that_no_header_can_hold_are_refused(credentials: Credentials) -> None:
    assert refused(credentials=credentials).startswith("credentials must be visible ASCII characters")


BY_HAND = """
import sys
import modelpass_client, modelpass_client.aws.boto, modelpass_client.aws.sqs
from modelpass_client.aws.invoke import InvokeBackend
from modelpass_client.aws.sigv4 import Credentials
import threading
given = {}
if sys.argv[1] == "given":
    given = {"credentials": Credentials("id", "secret")}
InvokeBackend(region="eu-west-1", **given)
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"boto3", "botocore", "modelpass", "urllib3", "requests", "certifi"}), threading.active_count())
"""


@pytest.mark.parametrize("where", ["given", "environment"])
def test_no_sdk_is_loaded_and_no_thread_started_where_credentials_are_at_hand(where: str) -> None:
    environment = {"PYTHONPATH": str(ROOT / "clients" / "python")}
    if where == "environment":
        environment |= {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
    ended = subprocess.run(
        [sys.executable, "-c", BY_HAND, where], env=environment, capture_output=True, text=True, check=True
    )
    assert (ended.stdout, ended.stderr) == ("[] 1\n", "")
