"""Signatures are botocore's: of any request, and of what really goes over the wire, seen from the server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelpass.dynamodb.endpoint import RotatingCredentials
from modelpass.dynamodb.sigv4 import Credentials, signed_headers
from tests.support.builders import PROPERTY
from tests.support.wire import Wire, serving, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.wire import Asked

VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
CREDENTIALS = st.builds(Credentials, VISIBLE, VISIBLE, st.none() | VISIBLE)
REGIONS = st.from_regex(r"[a-z]{2,5}(-[a-z]{1,9}){1,3}-[0-9]{1,2}", fullmatch=True)
HOSTS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,40}[a-z0-9](:[1-9][0-9]{3})?", fullmatch=True)
TARGETS = st.from_regex(r"DynamoDB_20120810\.[A-Za-z]{1,30}", fullmatch=True)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 31)).map(lambda t: t.replace(microsecond=0))  # noqa: DTZ001 - UTC is added
BODIES = st.binary(max_size=200)
ITEMS = st.dictionaries(st.text(max_size=8), st.fixed_dictionaries({"S": st.text(max_size=30)}), max_size=5)
MIDNIGHT = datetime(2026, 12, 31, 23, 59, 59)  # noqa: DTZ001 - likewise


def botocores(url: str, headers: dict[str, str], body: bytes, credentials: Credentials, region: str) -> dict[str, str]:
    """The headers that botocore makes of a request that is not signed yet, at the time its `x-amz-date` tells."""
    at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    given_headers = {name: headers[name] for name in ("content-type", "x-amz-target")}
    request = AWSRequest("POST", url, headers=given_headers, data=body)
    with patch("botocore.auth.get_current_datetime", lambda **_: at.replace(tzinfo=None)):
        botocore.auth.SigV4Auth(BotocoreCredentials(*credentials), "dynamodb", region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@PROPERTY
@given(BODIES, TARGETS, HOSTS, REGIONS, CREDENTIALS, TIMES)
@example(b"{}", "DynamoDB_20120810.GetItem", "h1", "eu-west-1", Credentials("id", "secret", None), MIDNIGHT)
def test_signature_is_botocores(
    body: bytes, target: str, host: str, region: str, credentials: Credentials, at: datetime
) -> None:
    for second in (at, at.replace(day=1, month=1, year=at.year + 1)):  # another day, under the key of another
        amz_date = second.strftime("%Y%m%dT%H%M%SZ")
        ours = dict(signed_headers(host, region, target, body, credentials, amz_date))
        theirs = botocores(f"https://{host}/", ours, body, credentials, region)
        assert ours.pop("host") == host
        assert ours == theirs


@PROPERTY
@given(st.lists(st.tuples(CREDENTIALS, REGIONS, st.integers(1, 3)), min_size=2, max_size=12))
def test_signing_keys_that_are_kept_are_never_those_of_others(signers: list[tuple[Credentials, str, int]]) -> None:
    """More signers and days than keys are kept, by turns and again."""
    for credentials, region, day in signers * 2:
        amz_date = f"2026112{day}T000000Z"
        ours = dict(signed_headers("h", region, "t", b"", credentials, amz_date))
        assert ours["authorization"] == botocores("https://h/", ours, b"", credentials, region)["authorization"]


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as made:
        yield made


def as_a_server_sees_it(asked: Asked, credentials: Credentials, region: str, url: str) -> None:
    """What the service checks, of nothing but what it received: every header that came counts."""
    signed = asked.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {*asked.headers} - {*signed} == {"authorization", "accept-encoding", "content-length"}
    assert asked.headers["host"] == url.removeprefix("http://")
    theirs = botocores(url, asked.headers, asked.body, credentials, region)
    assert asked.headers["authorization"] == theirs["authorization"]
    assert asked.headers.get("x-amz-security-token") == credentials.session_token


@given(ITEMS, CREDENTIALS, st.sampled_from(["GetItem", "UpdateItem", "TransactWriteItems"]))
@settings(PROPERTY, max_examples=60)
def test_what_goes_over_the_wire_is_signed_as_the_service_checks_it(
    wire: Wire, item: dict[str, dict[str, str]], credentials: Credentials, operation: str
) -> None:
    wire.answer = lambda _: [told({})]
    client = wire.lean(credentials=lambda: credentials)
    client.send(operation, {"TableName": "t", "Item": item})
    client.close()
    asked = wire.asked[-1]
    assert asked.lines[0] == b"POST / HTTP/1.1"
    assert len({line.partition(b":")[0].lower() for line in asked.lines}) == len(asked.lines)
    as_a_server_sees_it(asked, credentials, "eu-west-1", wire.url)
    age = datetime.now(UTC) - datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs(age.total_seconds()) < 300


def test_credentials_that_change_in_the_environment_sign_the_very_next_request(wire: Wire) -> None:
    wire.answer = lambda _: [told({})]
    environment: dict[str, str] = {}
    client = wire.lean(credentials=RotatingCredentials(environment))
    for number, token in enumerate([None, "first", "second", "", "third"]):
        environment |= {"AWS_ACCESS_KEY_ID": f"id-{number}", "AWS_SECRET_ACCESS_KEY": f"secret-{number}"}
        environment["AWS_SESSION_TOKEN"] = token or ""
        client.send("GetItem", {"TableName": "t"})
        credentials = Credentials(f"id-{number}", f"secret-{number}", token or None)
        as_a_server_sees_it(wire.asked[-1], credentials, "eu-west-1", wire.url)
    client.close()
    assert len({asked.connection for asked in wire.asked[-5:]}) == 1
