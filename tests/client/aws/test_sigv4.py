"""Signatures are AWS's published ones and botocore's, for both services: any payload, path, token and credentials."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import example, given
from hypothesis import strategies as st

from modelpass_client.aws.sigv4 import Credentials, Target, encoded, signed_headers
from tests.support.builders import PROPERTY

VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
CREDENTIALS = st.builds(Credentials, VISIBLE, VISIBLE, st.none() | VISIBLE)
REGIONS = st.from_regex(r"[a-z]{2,5}(-[a-z]{1,9}){1,3}-[0-9]{1,2}", fullmatch=True)
HOSTS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,40}[a-z0-9](:[1-9][0-9]{3})?", fullmatch=True)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 31)).map(lambda t: t.replace(microsecond=0))  # noqa: DTZ001 - UTC is added
NAMES = st.from_regex(
    r"(arn:aws:lambda:eu-west-1:[0-9]{12}:function:|[0-9]{12}:function:)?[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]{1,20}))?",
    fullmatch=True,
)
MIDNIGHT = datetime(2026, 12, 31, 23, 59, 59)  # noqa: DTZ001 - likewise
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:AuthorizeFunction:live"


def botocores(target: Target, body: bytes, credentials: Credentials, at: datetime) -> dict[str, str]:
    """The headers that botocore makes of a request that is not signed yet."""
    given_headers = {name: value for name, value in target.headers if name != "host"}
    url = f"https://{dict(target.headers)['host']}{target.path}"
    request = AWSRequest("POST", url, headers=given_headers, data=body)
    theirs = BotocoreCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    with patch("botocore.auth.get_current_datetime", lambda **_: at):
        botocore.auth.SigV4Auth(theirs, target.service, target.region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def same(target: Target, body: bytes, credentials: Credentials, at: datetime) -> None:
    for second in (at, at.replace(day=1, month=1, year=at.year + 1)):  # another day, under the key of another
        ours = dict(signed_headers(target, body, credentials, second.strftime("%Y%m%dT%H%M%SZ")))
        assert ours.pop("host") == dict(target.headers)["host"]
        assert ours == botocores(target, body, credentials, second)


@PROPERTY
@given(st.binary(max_size=300), NAMES, HOSTS, REGIONS, CREDENTIALS, TIMES)
@example(b"{}", ARN, "h1", "eu-west-1", Credentials("id", "secret"), MIDNIGHT)
@example(b"", "fn:$LATEST", "h1", "eu-west-1", Credentials("id", "secret", "a/token=="), MIDNIGHT)
def test_an_invocation_is_signed_as_botocore_signs_it(
    body: bytes, name: str, host: str, region: str, credentials: Credentials, at: datetime
) -> None:
    path = f"/2015-03-31/functions/{encoded(name)}/invocations"
    same(Target("lambda", region, path, (("content-type", "application/json"), ("host", host))), body, credentials, at)


@PROPERTY
@given(st.binary(max_size=300), HOSTS, REGIONS, CREDENTIALS, TIMES)
def test_a_message_is_signed_as_botocore_signs_it(
    body: bytes, host: str, region: str, credentials: Credentials, at: datetime
) -> None:
    headers = (
        ("content-type", "application/x-amz-json-1.0"),
        ("host", host),
        ("x-amz-target", "AmazonSQS.SendMessage"),
    )
    same(Target("sqs", region, "/", headers), body, credentials, at)


@PROPERTY
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#"), min_size=1, max_size=40))
@example("a%2Fb~c")
@example("..")
def test_any_part_of_a_path_is_encoded_as_botocore_encodes_it(part: str) -> None:
    path = f"/x{encoded(part)}/invocations"  # a part of dots alone would be walked up by botocore, and is no name
    same(Target("lambda", "eu-west-1", path, (("host", "h1"),)), b"{}", Credentials("id", "secret"), MIDNIGHT)


EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("headers", "body", "signature"),
    [
        ((), b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            (("content-type", "application/x-www-form-urlencoded"),),
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["post-vanilla", "post-x-www-form-urlencoded"],
)
def test_signatures_are_those_that_aws_publishes(
    headers: tuple[tuple[str, str], ...], body: bytes, signature: str
) -> None:
    """Two vectors of AWS's Signature Version 4 test suite."""
    target = Target("service", "us-east-1", "/", (*headers, ("host", "example.amazonaws.com")))
    signed = dict(signed_headers(target, body, EXAMPLE, "20150830T123600Z"))
    assert signed["authorization"].endswith(f"Signature={signature}")


@PROPERTY
@given(st.lists(st.tuples(CREDENTIALS, REGIONS, st.integers(1, 3)), min_size=2, max_size=16))
def test_signing_keys_that_are_kept_are_never_those_of_others(signers: list[tuple[Credentials, str, int]]) -> None:
    """More signers, services and days than keys are kept, by turns and again."""
    for credentials, region, day in signers * 2:
        for service in ("lambda", "sqs"):
            target = Target(service, region, "/", (("host", "h"),))
            at = datetime(2026, 11, 20 + day, tzinfo=UTC)
            ours = dict(signed_headers(target, b"", credentials, f"2026112{day}T000000Z"))
            assert ours["authorization"] == botocores(target, b"", credentials, at)["authorization"]


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{0!r}".format])
def test_credentials_show_nothing(shown: object) -> None:
    text = shown(Credentials("AKIDEXAMPLE", "a-secret", "a-token"))  # type: ignore[operator]
    assert not [part for part in ("AKID", "a-secret", "a-token") if part in text]
