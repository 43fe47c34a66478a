"""The backend under test against a scripted server, and what of a request must never be shown."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.aws.invoke import InvokeBackend
from modelpass_client.aws.sigv4 import Credentials
from modelpass_client.backend import BackendError
from tests.support.wire import reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.wire import Wire

REGION = "eu-west-1"
KEY = "sk-custom-Zm9yIHRlc3RzIGFsb25lLCBub3QgcmVhbA"
SECRETS = (KEY, "AKIDOFTESTS", "secret-of-tests", "token-of-tests", "id-of-a-hold")
CREDENTIALS = Credentials("AKIDOFTESTS", "secret-of-tests", "token-of-tests")
PAYLOAD = {"apiKey": KEY, "requestId": "r-1", "attempt": "a-1"}
SETTLE = {"authorizationId": "id-of-a-hold", "actualUsage": 7}


def way(wire: Wire, **settings: Any) -> InvokeBackend:
    given = {"region": REGION, "credentials": CREDENTIALS, "connect_seconds": 5.0, "read_seconds": 5.0, **settings}
    return InvokeBackend(wire.url, **given)


def answered(answer: object, **headers: Any) -> bytes:
    """A whole reply of Lambda's with the answer of a function."""
    return reply(json.dumps(answer).encode(), x_amz_crc32=None, **headers)


def failure(request: Callable[[], object]) -> BackendError:
    """How a request fails; nothing of it shows a secret, in whatever way it is printed."""
    with pytest.raises(BackendError) as raised:
        request()
    error: BackendError = raised.value
    shown = "".join([repr(error), *traceback.format_exception(error)])
    assert not [secret for secret in SECRETS if secret in shown]
    assert error.__context__ is None  # what it came from might hold what was sent or came back
    return error
