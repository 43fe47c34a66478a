"""AWS Signature Version 4 of the one form of request the lean client sends: a JSON body by POST to the path `/`.

Rule: pure, and equal to botocore's signature of the same request; a test compares both over random requests. Nothing
here logs or shows a secret. Source: "AWS Signature Version 4 for API requests" in the IAM user guide.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final, NamedTuple

from modelpass.macs import Mac

CONTENT_TYPE: Final = "application/x-amz-json-1.0"
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SERVICE: Final = "dynamodb"
_DAY_DIGITS: Final = 8
_KEPT_KEYS: Final = 4  # two credentials on two days, where they rotate at midnight


class Credentials(NamedTuple):
    """What requests are signed with; temporary credentials have a session token."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id})"


def signed_headers(
    host: str, region: str, target: str, body: bytes, credentials: Credentials, amz_date: str
) -> list[tuple[str, str]]:
    """The headers of a signed request; all of them but `Authorization` itself are signed.

    `host` is the value of the `Host` header, with the port where it is not the scheme's own. `target` is the value of
    `x-amz-target`, and `amz_date` the time of signing as `20261123T091502Z`: AWS accepts it for five minutes. No value
    may hold a line break; the caller must see to that.
    """
    headers = [("content-type", CONTENT_TYPE), ("host", host), ("x-amz-date", amz_date)]
    if credentials.session_token is not None:
        headers.append(("x-amz-security-token", credentials.session_token))
    headers.append(("x-amz-target", target))
    lines = "".join([f"{name}:{value}\n" for name, value in headers])
    names = ";".join([name for name, _ in headers])
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    day = amz_date[:_DAY_DIGITS]
    scope = f"{day}/{region}/{_SERVICE}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{amz_date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = _signer(credentials.secret_access_key, day, region).digest(to_sign.encode()).hex()
    proof = f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return [*headers, ("authorization", proof)]


@lru_cache(maxsize=_KEPT_KEYS)
def _signer(secret: str, day: str, region: str) -> Mac:
    key = f"AWS4{secret}".encode()
    for part in (day, region, _SERVICE, "aws4_request"):
        key = Mac(key).digest(part.encode())
    return Mac(key)
