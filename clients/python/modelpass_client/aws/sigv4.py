"""AWS Signature Version 4 of the requests this package sends: a body by POST to a path without a query.

Rule: pure, and equal to botocore's signature of the same request; a test compares both over random requests. Nothing
here logs or shows a secret. Source: "AWS Signature Version 4 for API requests" in the IAM user guide.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_DAY_DIGITS: Final = 8
_KEPT_KEYS: Final = 8  # two services, two credentials, and two days, where they rotate at midnight


@dataclass(frozen=True)
class Credentials:
    """What requests are signed with; temporary credentials have a session token. Its representation shows nothing."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return "Credentials(...)"


class Target(NamedTuple):
    """Where requests of one kind go: what all of them have in common, ready to be signed.

    `path` is as it is sent, each part of it encoded. `headers` have names in lower case, the host among them, and no
    value of them holds a line break; the caller must see to that.
    """

    service: str
    region: str
    path: str
    headers: tuple[tuple[str, str], ...]


def encoded(part: str) -> str:
    """A part of a path as it is sent: all but letters, digits and `-._~` is encoded."""
    return quote(part, safe="-._~")


def signed_headers(
    target: Target, body: bytes, credentials: Credentials, amz_date: str, *, method: str = "POST"
) -> list[tuple[str, str]]:
    """The headers of a signed request; all of them but `Authorization` itself are signed.

    `amz_date` is the time of signing as `20261123T091502Z`: AWS accepts it for five minutes.
    """
    headers = [*target.headers, ("x-amz-date", amz_date)]
    if credentials.session_token is not None:
        headers.append(("x-amz-security-token", credentials.session_token))
    headers.sort()
    lines = "".join([f"{name}:{value}\n" for name, value in headers])
    names = ";".join([name for name, _ in headers])
    path = _encoded_again(target.path)
    canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    day = amz_date[:_DAY_DIGITS]
    scope = f"{day}/{target.region}/{target.service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{amz_date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_access_key, day, target.region, target.service)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    proof = f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return [*headers, ("authorization", proof)]


@lru_cache(maxsize=64)
def _encoded_again(path: str) -> str:
    """A path as it is signed: what was encoded for sending is encoded once more (only S3 does without)."""
    return quote(path, safe="/-._~")


@lru_cache(maxsize=_KEPT_KEYS)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
