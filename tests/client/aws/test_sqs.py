"""A settle is in the queue when `send` returns: the request is botocore's, and SQS confirmed what it stored."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from modelpass_client.aws.sqs import LONGEST_MESSAGE, SqsQueue
from modelpass_client.errors import ConfigurationError
from tests.client.aws.way import CREDENTIALS, REGION, SECRETS, SETTLE, failure
from tests.support.builders import PROPERTY
from tests.support.wire import Do, reply, serving

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.wire import Asked, Wire

PATH = "/123456789012/settles"


def queue(wire: Wire, **settings: Any) -> SqsQueue:
    return SqsQueue(f"{wire.url}{PATH}", **{"region": REGION, "credentials": CREDENTIALS, **settings})


def message_of(asked: Asked) -> str:
    message: str = json.loads(asked.body)["MessageBody"]
    return message


def told(body: object, status: int = 200) -> bytes:
    return reply(json.dumps(body).encode(), status, x_amz_crc32=None, content_type="application/x-amz-json-1.0")


def confirms(asked: Asked) -> Iterable[bytes]:
    digest = hashlib.md5(message_of(asked).encode(), usedforsecurity=False).hexdigest()
    return [told({"MD5OfMessageBody": digest, "MessageId": "219f8380-5770-4cc2-8c3e-5c715e145f5e"})]


@PROPERTY
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30) | st.integers() | st.none(), max_size=4))
def test_the_message_is_the_payload_whatever_is_in_it(payload: dict[str, Any]) -> None:
    with serving() as wire:
        wire.answer = confirms
        sender = queue(wire)
        sender.send(payload)
        sender.close()
        assert json.loads(message_of(wire.asked[0])) == payload
        assert message_of(wire.asked[0]).isascii()


def test_the_request_is_botocores(wire: Wire) -> None:
    """Each header that means something, and the body as JSON, of what boto3 would send."""
    seen: list[Any] = []

    def keep(request: Any, **_: Any) -> AWSResponse:
        seen.append(request)
        digest = hashlib.md5(json.loads(request.body)["MessageBody"].encode(), usedforsecurity=False).hexdigest()
        raw = io.BytesIO(json.dumps({"MD5OfMessageBody": digest, "MessageId": "m"}).encode())
        raw.stream = lambda *_, **__: iter([raw.read()])  # type: ignore[attr-defined]
        return AWSResponse(request.url, 200, {}, raw)

    client = boto3.client(
        "sqs",
        region_name=REGION,
        endpoint_url=wire.url,
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
        aws_session_token=CREDENTIALS.session_token,
    )
    client.meta.events.register("before-send.sqs.SendMessage", keep)
    wire.answer = confirms
    sender = queue(wire)
    sender.send(SETTLE)
    ours = wire.asked[0]
    client.send_message(QueueUrl=f"{wire.url}{PATH}", MessageBody=message_of(ours))
    client.close()
    theirs = {name.lower(): value for name, value in seen[0].headers.items()}
    for name in ("content-type", "x-amz-target", "x-amz-security-token"):
        value = theirs[name] if isinstance(theirs[name], str) else theirs[name].decode()
        assert ours.headers[name] == value
    assert (ours.lines[0], seen[0].url) == (b"POST / HTTP/1.1", f"{wire.url}/")
    assert json.loads(ours.body) == json.loads(seen[0].body)
    sender.close()


def test_another_server_of_sqs_takes_the_message(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes over the wire, handed to moto's SQS, which is read by boto3."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    with mock_aws():
        client = boto3.client("sqs", region_name=REGION)
        url = client.create_queue(QueueName="settles")["QueueUrl"]

        def passed_on(asked: Asked) -> Iterable[bytes]:
            body = asked.body.replace(f"{wire.url}{PATH}".encode(), url.encode())
            headers = {name: value for name, value in asked.headers.items() if name not in ("host", "content-length")}
            address = f"https://sqs.{REGION}.amazonaws.com/"
            with requests.Session() as session:
                answer = session.post(address, data=body, headers=headers, timeout=5)
            return [reply(answer.content, answer.status_code, x_amz_crc32=None)]

        wire.answer = passed_on
        sender = queue(wire)
        sender.send({**SETTLE, "note": "\u2028 \ud83d\ude00"})
        sender.close()
        received = client.receive_message(QueueUrl=url)["Messages"]
        assert [json.loads(message["Body"])["actualUsage"] for message in received] == [7]
        client.close()


@pytest.mark.parametrize(
    "confirmed", [{}, {"MD5OfMessageBody": "0" * 32}, {"MD5OfMessageBody": None}, [], None, "of id-of-a-hold"]
)
def test_a_message_that_is_not_confirmed_as_it_was_sent_may_not_be_there(wire: Wire, confirmed: object) -> None:
    wire.sends(told(confirmed))
    sender = queue(wire)
    assert failure(lambda: sender.send(SETTLE)).maybe_done
    sender.close()


@pytest.mark.parametrize(
    ("status", "kind", "maybe_done"),
    [
        (400, "com.amazonaws.sqs#QueueDoesNotExist", False),
        (400, "com.amazon.coral.service#RequestThrottled", False),
        (403, "com.amazon.coral.service#AccessDeniedException", False),
        (400, "com.amazonaws.sqs#KmsThrottled", False),
        (500, "com.amazon.coral.service#InternalFailure", True),
        (503, "", True),
    ],
)
def test_an_error_of_sqs_tells_whether_the_message_may_be_there(
    wire: Wire, status: int, kind: str, *, maybe_done: bool
) -> None:
    wire.sends(told({"__type": kind, "message": "of id-of-a-hold"}, status))
    sender = queue(wire)
    error = failure(lambda: sender.send(SETTLE))
    assert str(error) == f"SQS answers {status} {kind.partition('#')[2]}".rstrip()
    assert error.maybe_done is maybe_done
    sender.close()


def test_a_message_on_a_connection_that_was_closed_meanwhile_is_sent_again(wire: Wire) -> None:
    """A settle books once, however often it comes."""
    closes = iter([False, True, False])
    wire.answer = lambda asked: [Do.CLOSE] if next(closes) else confirms(asked)
    sender = queue(wire)
    sender.send(SETTLE)
    sender.send(SETTLE)
    assert [asked.connection for asked in wire.asked] == [0, 0, 1]
    sender.close()


def test_a_message_that_no_queue_takes_is_not_sent(wire: Wire) -> None:
    sender = queue(wire)
    assert not failure(lambda: sender.send({"x": "y" * LONGEST_MESSAGE})).maybe_done
    assert wire.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "settles",
        "https://sqs.eu-west-1.amazonaws.com",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/settles.fifo",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/settles?secret-of-tests",
        "https://sqs.eu-west-1.amazonaws.com/1/settles",
        "arn:aws:sqs:eu-west-1:123456789012:settles",
        "ftp://sqs.eu-west-1.amazonaws.com/123456789012/settles",
        "https://u:secret-of-tests@sqs.eu-west-1.amazonaws.com/123456789012/settles",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/settles\r\nx: y",
    ],
)
def test_a_url_that_is_no_standard_queues_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^the URL of the queue must be ") as raised:
        SqsQueue(url, region=REGION, credentials=CREDENTIALS)
    assert not [secret for secret in SECRETS if secret in str(raised.value)]


@pytest.mark.parametrize(
    ("host", "region"),
    [("sqs.eu-central-1.amazonaws.com", "eu-central-1"), ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1")],
)
def test_the_region_is_that_of_the_url(monkeypatch: pytest.MonkeyPatch, host: str, region: str) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    made = SqsQueue(f"https://{host}{PATH}", credentials=CREDENTIALS)
    assert (made._target.region, dict(made._target.headers)["host"]) == (region, host)
