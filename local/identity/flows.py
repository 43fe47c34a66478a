"""What a request to the provider must be, and how a bad one is refused. Rule: pure, of the request's parameters alone.

Every refusal is an `OAuthError` with the code that RFC 6749, 7636, 8628 or OpenID Connect gives it. One of an
authorization request is sent to the client's address only once that address is known to be the client's.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from local.identity.clients import CODE_GRANT, DEVICE_GRANT, REFRESH_GRANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local.identity.clients import Client

_MOST_PARAMETERS: Final = 64
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_NOT_TAKEN: Final = {"request": "request_not_supported", "request_uri": "request_uri_not_supported"}
GRANTS: Final = (CODE_GRANT, REFRESH_GRANT, DEVICE_GRANT)


class OAuthError(Exception):
    """A refusal: the protocol's code, the status of an answer that carries it, and what was wrong, without secrets."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status

    def fields(self) -> dict[str, str]:
        """What an answer says of it."""
        return {"error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was sent: a parameter without a value counts as left out, and one that came twice has none."""

    values: dict[str, str]
    repeated: frozenset[str] = frozenset()

    def get(self, name: str) -> str:
        """A value; empty where there is none."""
        return self.values.get(name, "")

    def needed(self, name: str) -> str:
        """A value that must be there; raises `OAuthError`."""
        if not self.get(name):
            raise OAuthError("invalid_request", f"{name} is missing.")
        return self.values[name]

    def require_single(self) -> None:
        """Raise `OAuthError` when a parameter came twice."""
        if self.repeated:
            raise OAuthError("invalid_request", "A parameter was sent more than once.")


def parameters(text: str) -> Parameters:
    """What a query or a form says; raises `OAuthError` when it is too long to be one."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise OAuthError("invalid_request", f"There are more than {_MOST_PARAMETERS} parameters.") from None
    names = [name for name, _ in pairs]
    repeated = frozenset(name for name in names if names.count(name) > 1)
    return Parameters({name: value for name, value in pairs if value and name not in repeated}, repeated)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the answer to an authorization request goes: an address that is known to be the client's."""

    client: Client
    address: str
    state: str

    def with_answer(self, answer: Mapping[str, str], issuer: str) -> str:
        """The address with an answer in its query, and with who gave it (RFC 9207)."""
        return f"{self.address}?{urlencode({**answer, **self._state(), 'iss': issuer})}"

    def bare(self) -> str:
        """The address with nothing but the state, where there is one."""
        return f"{self.address}?{urlencode(self._state())}" if self.state else self.address

    def _state(self) -> dict[str, str]:
        return {"state": self.state} if self.state else {}


@dataclass(frozen=True, slots=True)
class Authorization:
    """An authorization request that can be granted."""

    scope: tuple[str, ...]
    challenge: str
    nonce: str


def destination(clients: Mapping[str, Client], given: Parameters) -> Destination:
    """Where to answer; raises `OAuthError`, which is for a page, when nobody may be sent there."""
    client = clients.get(given.needed("client_id"))
    if client is None or CODE_GRANT not in client.grants:
        raise OAuthError("unauthorized_client", "No such client signs in here.")
    address = given.needed("redirect_uri")
    if address not in client.addresses:
        raise OAuthError("invalid_request", "redirect_uri is no address of this client.")
    return Destination(client, address, given.get("state"))


def authorization(client: Client, given: Parameters) -> Authorization:
    """The request itself; raises `OAuthError`, which is for the client."""
    given.require_single()
    for name, error in _NOT_TAKEN.items():
        if given.get(name):
            raise OAuthError(error, f"{name} is not supported.")
    if given.needed("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")
    if given.get("response_mode") not in ("", "query"):
        raise OAuthError("invalid_request", "response_mode must be query.")
    if given.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "transform algorithm not supported: code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(given.needed("code_challenge")):
        raise OAuthError("invalid_request", "code_challenge must be the SHA-256 of the verifier in base64url.")
    scope = granted_scope(client, given.get("scope"))
    if "none" in given.get("prompt").split():
        raise OAuthError("login_required", "Nobody is remembered here: each sign-in asks for the account.")
    return Authorization(scope, given.get("code_challenge"), given.get("nonce"))


def granted_scope(client: Client, text: str) -> tuple[str, ...]:
    """The words of a scope that mean something, once each; raises `OAuthError` for one that the client may not have."""
    return _scope(client.scopes, text, f"{client.client_id} may have {' '.join(sorted(client.scopes))}.")


def narrowed_scope(held: Iterable[str], text: str) -> tuple[str, ...]:
    """The scope of refreshed tokens: what is held, or less where less is asked; raises `OAuthError` for more."""
    held = tuple(held)
    return _scope(frozenset(held), text, "scope is more than was granted.") if text else held


def _scope(allowed: frozenset[str], text: str, why: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(text.split()))
    if not set(words) <= allowed:
        raise OAuthError("invalid_scope", why)
    return words


def token_client(clients: Mapping[str, Client], given: Parameters, authorization_header: str) -> Client:
    """Who asks for tokens; raises `OAuthError` for an unknown client, and for one that brings a secret."""
    given.require_single()
    client = clients.get(given.get("client_id"))
    if client is None or authorization_header or given.get("client_secret"):
        raise OAuthError("invalid_client", "client_id must name a client of this stack, which has no secret.", 401)
    return client


def grant_of(client: Client, given: Parameters) -> str:
    """By what tokens are asked for; raises `OAuthError`."""
    grant = given.needed("grant_type")
    if grant not in GRANTS:
        raise OAuthError("unsupported_grant_type", f"grant_type must be one of {' '.join(GRANTS)}.")
    require_grant(client, grant)
    return grant


def require_grant(client: Client, grant: str) -> None:
    """Raise `OAuthError` when a client may not ask by this grant."""
    if grant not in client.grants:
        raise OAuthError("unauthorized_client", f"{client.client_id} may not ask by {grant}.")


def verifier_of(given: Parameters) -> str:
    """The code verifier of RFC 7636; raises `OAuthError` when it is missing or cannot be one."""
    verifier = given.needed("code_verifier")
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_request", "code_verifier must be 43 to 128 of A-Z, a-z, 0-9 and - . _ ~")
    return verifier


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def proves(verifier: str, challenge: str) -> bool:
    """Whether a verifier is the one whose challenge the authorization request had."""
    return hmac.compare_digest(challenge_of(verifier), challenge)
