"""Requests and replies of DynamoDB as JSON 1.0. Rule: pure; binary values are bytes here and base64 there, as in boto3.

Only attribute values hold binaries: `{"B": …}` and `{"BS": […]}`.
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


# Requests are trees that were just built: looking for circles in them takes a fifth of the time.
_encoder = json.JSONEncoder(check_circular=False, separators=(",", ":"), default=_encoded_binary)
_decoder = json.JSONDecoder(object_hook=_decoded_binary)


def encoded(request: dict[str, Any]) -> bytes:
    """A request as it is sent; raises `TypeError` for what JSON cannot carry."""
    return _encoder.encode(request).encode()


def decoded(raw: bytes) -> dict[str, Any]:
    """A reply; raises `ValueError` for what is no JSON object."""
    try:
        value = _decoder.decode(raw.decode())
    except RecursionError:
        raise ValueError from None
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - wrong content, not a wrong argument
    return value
