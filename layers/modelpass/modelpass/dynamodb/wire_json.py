"""Requests and replies of DynamoDB as its JSON (`application/x-amz-json-1.0`). Rule: pure; the form alone, no meaning.

As in boto3, binary values are bytes in Python and base64 in the JSON. Only attribute values hold them: `{"B": …}` and
`{"BS": […]}`.
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from typing import Any


def _encoded_binary(value: object) -> str:
    if isinstance(value, bytes):
        return b2a_base64(value, newline=False).decode()
    raise TypeError(type(value).__name__)


def _decoded_binary(value: dict[str, Any]) -> dict[str, Any]:
    if len(value) == 1:
        if type(text := value.get("B")) is str:
            return {"B": a2b_base64(text)}
        if type(texts := value.get("BS")) is list:
            return {"BS": [a2b_base64(each) for each in texts]}
    return value


# A request was built for this one sending and cannot contain itself: the check for circles takes a fifth of the time.
_encoder = json.JSONEncoder(check_circular=False, separators=(",", ":"), default=_encoded_binary)
_decoder = json.JSONDecoder(object_hook=_decoded_binary)


def encoded(request: dict[str, Any]) -> bytes:
    """A request as it is sent; raises `TypeError` for what JSON cannot carry."""
    return _encoder.encode(request).encode()


def decoded(raw: bytes) -> dict[str, Any]:
    """A reply as it was sent; raises `ValueError` for what is no JSON object."""
    try:
        value = _decoder.decode(raw.decode())
    except RecursionError:
        raise ValueError from None
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - wrong content, not a wrong argument
    return value
