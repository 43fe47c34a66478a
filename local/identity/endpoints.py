"""The provider's addresses, and its answers to programs. Rule: an answer that carries a token is never kept by a cache.

Pages of the stack's own addresses may read them, whichever of these the browser was given; no other site's may.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from local.apigateway import jwts
from local.identity import flows, pages
from local.identity.clients import (
    CODE_GRANT,
    DEVICE_GRANT,
    OFFLINE,
    OPENID,
    OPERATOR,
    PATH,
    REFRESH_GRANT,
    origins,
    registered,
)
from local.identity.flows import OAuthError, Parameters
from local.identity.grants import DEVICE_SECONDS, Grants, narrowed
from local.identity.screens import Screens, refused_page
from local.identity.tokens import Mint
from local.messages import HttpResponse, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from local.cloudformation.template import Template
    from local.messages import HttpRequest

    Answer = Callable[[HttpRequest], HttpResponse]

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 65_536
_READ, _SENT, _EITHER = ("GET", "HEAD"), ("POST",), ("GET", "HEAD", "POST")
_UNKEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def issuer(port: int) -> str:
    """The issuer of the provider of the stack at this port."""
    return f"{origins(port)[0]}{PATH}"


class Provider:
    """Answers what is asked below `PATH`. Everything that it knows ends with it."""

    def __init__(self, template: Template, key: EllipticCurvePrivateKey, port: int) -> None:
        self._key = key
        self._mint = Mint(issuer(port), template, key)
        self._clients, self._grants = registered(port), Grants()
        self._origins = origins(port)
        self._screens = Screens(self._clients, self._grants, self._mint, port)
        self._programs: dict[str, tuple[tuple[str, ...], Answer]] = {
            "/.well-known/openid-configuration": (_READ, lambda _: json_response(200, self._discovery())),
            "/jwks": (_READ, lambda _: json_response(200, {"keys": [jwts.public_jwk(self._key)]})),
            "/token": (_SENT, self._token),
            "/device_authorization": (_SENT, self._device_authorization),
            "/userinfo": (_EITHER, self._userinfo),
        }
        screens = self._screens
        self._people: dict[str, tuple[tuple[str, ...], Answer]] = {
            "/style.css": (_READ, lambda _: HttpResponse(200, _STYLE_HEADERS, pages.STYLE.encode())),
            "/authorize": (_EITHER, lambda r: screens.authorize(_given(r))),
            "/sign-in": (_SENT, lambda r: screens.decide(r, _given(r), _now())),
            "/device": (_EITHER, lambda r: screens.device(_given(r), _now())),
            "/device/sign-in": (_SENT, lambda r: screens.decide_device(r, _given(r), _now())),
            "/logout": (_EITHER, lambda r: screens.logout(_given(r), _now())),
        }

    def handle(self, request: HttpRequest) -> HttpResponse | None:
        """Answer a request to the provider; None when it is for something else."""
        path = request.raw_path.removeprefix(PATH)
        if not request.raw_path.startswith(f"{PATH}/"):
            return None
        if path in self._programs:
            return self._to_program(request, *self._programs[path])
        if path not in self._people:
            return None
        methods, answer = self._people[path]
        if request.method not in methods:
            return HttpResponse(405, {"Allow": ", ".join(methods)}, b"")
        try:
            return answer(request)
        except OAuthError as error:
            return refused_page(error)

    def _to_program(self, request: HttpRequest, methods: tuple[str, ...], answer: Answer) -> HttpResponse:
        origin = request.headers.get("origin", "")
        shared = {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if origin in self._origins else {})
        if request.method == "OPTIONS":
            headers = "Authorization, Content-Type"
            allowed = {"Access-Control-Allow-Methods": ", ".join(methods), "Access-Control-Allow-Headers": headers}
            return HttpResponse(204, {**shared, **allowed}, b"")
        if request.method not in methods:
            return HttpResponse(405, {**shared, "Allow": ", ".join(methods)}, b"")
        try:
            given = answer(request)
        except OAuthError as error:
            basic = {"WWW-Authenticate": 'Basic realm="modelpass"'} if error.error == "invalid_client" else {}
            given = json_response(error.status, error.fields(), {**_UNKEPT, **basic})
        return HttpResponse(given.status, {**given.headers, **shared}, given.body)

    def _discovery(self) -> dict[str, Any]:
        at = self._mint.issuer
        return {
            "issuer": at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "device_authorization_endpoint": f"{at}/device_authorization",
            "userinfo_endpoint": f"{at}/userinfo",
            "end_session_endpoint": f"{at}/logout",
            "jwks_uri": f"{at}/jwks",
            "scopes_supported": [OPENID, OFFLINE, OPERATOR],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(flows.GRANTS),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [jwts.ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid"],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "claims_parameter_supported": False,
            "authorization_response_iss_parameter_supported": True,
        }

    def _token(self, request: HttpRequest) -> HttpResponse:
        given, now = _sent(request), _now()
        client = flows.token_client(self._clients, given, request.headers.get("authorization", ""))
        match flows.grant_of(client, given):
            case grant if grant == CODE_GRANT:
                sign_in = self._grants.redeemed(
                    given.needed("code"), client.client_id, given.needed("redirect_uri"), flows.verifier_of(given), now
                )
                answered = sign_in
            case grant if grant == REFRESH_GRANT:
                sign_in = self._grants.refreshed(given.needed("refresh_token"), client.client_id, now)
                answered = narrowed(sign_in, given.get("scope"))
            case _:
                sign_in = self._grants.polled(given.needed("device_code"), client.client_id, now)
                answered = sign_in
        again = self._grants.refresh_token(sign_in, now) if OFFLINE in sign_in.scope else None
        return json_response(200, self._mint.answer(answered, again, now), _UNKEPT)

    def _device_authorization(self, request: HttpRequest) -> HttpResponse:
        given = _sent(request)
        client = flows.token_client(self._clients, given, request.headers.get("authorization", ""))
        flows.require_grant(client, DEVICE_GRANT)
        waits = self._grants.device(client.client_id, flows.granted_scope(client, given.get("scope")), _now())
        at = f"{self._mint.issuer}/device"
        answer = {
            "device_code": waits.device_code,
            "user_code": waits.user_code,
            "verification_uri": at,
            "verification_uri_complete": f"{at}?user_code={waits.user_code}",
            "expires_in": DEVICE_SECONDS,
            "interval": waits.interval,
        }
        return json_response(200, answer, _UNKEPT)

    def _userinfo(self, request: HttpRequest) -> HttpResponse:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return HttpResponse(401, {"WWW-Authenticate": "Bearer"}, b"")
        account = self._mint.bearer(token.strip())
        if account is None:
            challenge = 'Bearer error="invalid_token", error_description="The token is not in force here."'
            return HttpResponse(401, {"WWW-Authenticate": challenge}, b"")
        return json_response(200, {"sub": account}, _UNKEPT)


_STYLE_HEADERS: Final = {
    "Content-Type": "text/css; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}


def _now() -> int:
    return int(time.time())


def _given(request: HttpRequest) -> Parameters:
    """What a page was asked with: by the query, or by a form."""
    return _sent(request) if request.method == "POST" else flows.parameters(request.query)


def _sent(request: HttpRequest) -> Parameters:
    if len(request.body) > _MOST_BYTES:
        raise OAuthError("invalid_request", f"The body is longer than {_MOST_BYTES} bytes.", 413)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"The body must be {_FORM}.")
    try:
        return flows.parameters(request.body.decode("ascii"))
    except UnicodeDecodeError:
        raise OAuthError("invalid_request", f"The body must be {_FORM}.") from None
