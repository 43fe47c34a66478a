"""The lean client and its credentials: without good ones it sends nothing, and neither it nor an error shows one.

What it does on real sockets is in `tests/integration/dynamodb/test_lean_client.py`.
"""

from __future__ import annotations

import pytest

from modelpass.dynamodb.endpoint import Endpoint, RotatingCredentials, credentials_of
from modelpass.dynamodb.lean_client import LeanClient
from modelpass.dynamodb.transport import StoreRejectedError
from tests.support.store_failures import shown

ID, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
GIVEN = {ID: "AKIDEXAMPLE", SECRET: "wJalrXUtnFEMI/K7MDENG", TOKEN: "session/token+=="}
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
