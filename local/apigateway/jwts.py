"""JWTs of the local stack, signed and verified with a key of its own. Rule: by real time, never the stack's clock."""

from __future__ import annotations

import contextlib
import json
import os
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ops.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from jwt.types import Options

ALGORITHM: Final = "ES256"
DAY_SECONDS: Final = 86_400
_KEY_FILE: Final = "jwt-signing-key.pem"
_PRIVATE: Final = 0o600


def signing_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The key kept in a folder, made when there is none; raises `CommandError` where it cannot be kept."""
    path = folder / _KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            part = path.with_suffix(f".{os.getpid()}")
            part.touch(_PRIVATE)
            part.write_bytes(pem)
            with contextlib.suppress(FileExistsError):  # of two stacks that start at once, the first one's key is kept
                os.link(part, path)
            part.unlink()
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise CommandError(f"The signing key cannot be kept in {folder}: {error}.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CommandError(f"{path} holds no key of the kind this stack signs with.")
    return key


def issue(key: ec.EllipticCurvePrivateKey, claims: dict[str, Any], issuer: str, audience: str | list[str]) -> str:
    """A token with these claims that is valid for a day."""
    now = int(time.time())
    times = {"iat": now, "nbf": now - 60, "exp": now + DAY_SECONDS}
    claims = {"iss": issuer, "aud": audience, **times, **claims}
    return jwt.encode(claims, key, ALGORITHM, {"kid": public_jwk(key)["kid"]})


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half of the key, as a set of keys shows it; its id is the thumbprint of RFC 7638."""
    jwk: dict[str, str] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    members = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"), sort_keys=True)
    thumbprint = urlsafe_b64encode(sha256(members.encode()).digest()).rstrip(b"=").decode()
    return {**jwk, "alg": ALGORITHM, "use": "sig", "kid": thumbprint}


def verify(
    token: str, key: ec.EllipticCurvePrivateKey, issuer: str, audience: tuple[str, ...]
) -> dict[str, Any] | None:
    """The claims of a token that this key signed, for this issuer and audience, and that is in force; else None."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.public_key(),
            [ALGORITHM],
            issuer=issuer,
            options={"require": ["exp", "iss"], "verify_aud": False},
        )
    except jwt.InvalidTokenError:
        return None
    return claims if _names_one(claims, audience) else None


def verify_signed(token: str, key: ec.EllipticCurvePrivateKey, issuer: str) -> dict[str, Any] | None:
    """The claims of a token that this key signed for this issuer, whether it is in force or not; else None."""
    options: Options = {"require": ["iss"], "verify_aud": False, "verify_exp": False}
    try:
        claims: dict[str, Any] = jwt.decode(token, key.public_key(), [ALGORITHM], issuer=issuer, options=options)
    except jwt.InvalidTokenError:
        return None
    return claims


def is_meant_for(token: str, audience: tuple[str, ...]) -> bool:
    """Whether a token names this audience, whoever signed it."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return False
    return _names_one(claims, audience)


def _names_one(claims: dict[str, Any], audience: tuple[str, ...]) -> bool:
    named = claims.get("aud", claims.get("client_id"))  # as API Gateway does, for Cognito's access tokens have no aud
    return any(one in audience for one in (named if isinstance(named, list) else [named]))
