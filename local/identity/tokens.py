"""The tokens that a sign-in is answered with. Rule: those for the APIs are what `make token` prints, for an hour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from local import token
from local.apigateway import jwts
from local.identity.clients import OPENID, OPERATOR
from modelpass.api.claims import SUBJECT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from local.cloudformation.template import Template
    from local.identity.grants import SignIn

SECONDS: Final = 3600
"""How long a token is valid."""


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes and reads tokens of the stack that has this key and this template; `issuer` signs people in."""

    issuer: str
    template: Template
    key: EllipticCurvePrivateKey = field(repr=False)

    def answer(self, sign_in: SignIn, refresh_token: str | None, now: int) -> dict[str, Any]:
        """What the token endpoint answers."""
        answer: dict[str, Any] = {
            "access_token": self._access(sign_in, now),
            "token_type": "Bearer",
            "expires_in": SECONDS,
            "scope": " ".join(sign_in.scope),
        }
        if OPENID in sign_in.scope:
            answer["id_token"] = self._identity(sign_in, now)
        return answer if refresh_token is None else {**answer, "refresh_token": refresh_token}

    def bearer(self, access_token: str) -> str | None:
        """Whom an access token is for, None when it is none of this stack's that is in force."""
        for api in (self.template.customers, self.template.operators):
            claims = jwts.verify(access_token, self.key, api.issuer, api.audience)
            if claims is not None:
                return str(claims[SUBJECT])
        return None

    def hinted(self, identity_token: str) -> dict[str, Any] | None:
        """The claims of an id token of this provider's, which may have expired; None for anything else."""
        return jwts.verify_signed(identity_token, self.key, self.issuer)

    def _access(self, sign_in: SignIn, now: int) -> str:
        scope = OPERATOR if OPERATOR in sign_in.scope else ""
        claims = token.claims_of(sign_in.account, scope, self.template)
        return token.signed({**claims, "exp": now + SECONDS}, self.key, self.template)

    def _identity(self, sign_in: SignIn, now: int) -> str:
        nonce = {"nonce": sign_in.nonce} if sign_in.nonce else {}
        claims = {SUBJECT: sign_in.account, "auth_time": sign_in.at, "sid": sign_in.session, "exp": now + SECONDS}
        return jwts.issue(self.key, {**claims, **nonce}, self.issuer, sign_in.client_id)
