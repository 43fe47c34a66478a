"""What people see of the provider: choosing an account, typing a device's code, signing out. Rule: answers pages.

A form that another site sends is refused, for it would let that site's own device or program sign in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from local.identity import flows, pages
from local.identity.clients import OPERATOR, origins
from local.identity.flows import Destination, OAuthError, Parameters
from local.identity.grants import SignIn
from local.messages import HttpResponse
from modelpass.ids import is_account

if TYPE_CHECKING:
    from local.identity.clients import Client
    from local.identity.flows import Authorization
    from local.identity.grants import Device, Grants
    from local.identity.tokens import Mint
    from local.messages import HttpRequest

_KNOWN: Final = 5
_FIRST: Final = {False: "acct_demo", True: "operator"}
_RETURNED: Final = (
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
_NO_ACCOUNT: Final = "An account is a text of 1 to 255 bytes."
_NO_DEVICE: Final = "No device waits with this code. It may have expired: let the device show a new one."
HTML_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all, a browser would not say where a form comes from
}

_POLICY: Final = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"


class Screens:
    """The pages of a provider; its grants are what its token endpoint goes by."""

    def __init__(self, clients: dict[str, Client], grants: Grants, mint: Mint, port: int) -> None:
        self._clients, self._grants, self._mint = clients, grants, mint
        self._origins = origins(port)
        self._known: dict[tuple[bool, str], None] = {}

    def authorize(self, given: Parameters) -> HttpResponse:
        """The page that asks for the account, or what is wrong with the request."""
        asked = self._asked_by(given)
        if isinstance(asked, HttpResponse):
            return asked
        return self._ask(asked[0], asked[1], given, given.get("login_hint"))

    def decide(self, request: HttpRequest, given: Parameters, now: int) -> HttpResponse:
        """The choice on that page: back to the client with a code, or with the refusal."""
        if self._is_foreign(request):
            return _foreign()
        asked = self._asked_by(given)
        if isinstance(asked, HttpResponse):
            return asked
        to, wanted = asked
        if given.get("decision") == "deny":
            return self._back(to, OAuthError("access_denied", "The sign-in was cancelled.").fields())
        account = given.get("known") or given.get("account")
        if not is_account(account):
            return self._ask(to, wanted, given, account, _NO_ACCOUNT)
        sign_in = self._agreed(to.client.client_id, account, wanted.scope, given, now)
        code = self._grants.code(replace(sign_in, nonce=wanted.nonce), to.address, wanted.challenge)
        return self._back(to, {"code": code})

    def device(self, given: Parameters, now: int) -> HttpResponse:
        """The page for a device's code; with a code that waits, the page that asks for the account."""
        typed = given.get("user_code")
        if not typed:
            return _html(200, pages.type_code())
        waits = self._grants.typed(typed, now)
        if waits is None:
            return _html(400, pages.type_code(typed, _NO_DEVICE))
        return self._ask_for(waits)

    def decide_device(self, request: HttpRequest, given: Parameters, now: int) -> HttpResponse:
        """The choice on that page: the device gets its tokens with its next question, or the refusal."""
        if self._is_foreign(request):
            return _foreign()
        waits = self._grants.typed(given.get("user_code"), now)
        if waits is None:
            return _html(400, pages.type_code(given.get("user_code"), _NO_DEVICE))
        if given.get("decision") == "deny":
            self._grants.decide(waits.user_code, None, now)
            return _html(200, pages.told("Denied", "The device was not signed in. You can close this page."))
        account = given.get("known") or given.get("account")
        if not is_account(account):
            return self._ask_for(waits, account, _NO_ACCOUNT)
        sign_in = self._agreed(waits.client_id, account, waits.scope, given, now)
        if not self._grants.decide(waits.user_code, sign_in, now):
            return _html(400, pages.type_code(waits.user_code, _NO_DEVICE))
        return _html(200, pages.told("Signed in", f"The device acts for {account} now. You can close this page."))

    def logout(self, given: Parameters, now: int) -> HttpResponse:
        """End a sign-in, and go back to the client where it names an address of its own."""
        hint = given.get("id_token_hint")
        claims = self._mint.hinted(hint) if hint else {}
        client_id = given.get("client_id")
        if claims is None or (claims and client_id and claims.get("aud") != client_id):
            return refused_page(OAuthError("invalid_request", "id_token_hint is no token of this client's."))
        if claims:
            self._grants.end(str(claims.get("sid")), now)
        address = given.get("post_logout_redirect_uri")
        if not address:
            return _html(200, pages.told("Signed out", "You can close this page."))
        client = self._clients.get(client_id or str(claims.get("aud")))
        if client is None or address not in client.addresses:
            message = "post_logout_redirect_uri is no address of this client."
            return refused_page(OAuthError("invalid_request", message))
        return _redirect(Destination(client, address, given.get("state")).bare())

    def _asked_by(self, given: Parameters) -> tuple[Destination, Authorization] | HttpResponse:
        try:
            to = flows.destination(self._clients, given)
        except OAuthError as error:
            return refused_page(error)
        try:
            return to, flows.authorization(to.client, given)
        except OAuthError as error:
            return self._back(to, error.fields())

    def _ask(
        self, to: Destination, wanted: Authorization, given: Parameters, account: str, wrong: str = ""
    ) -> HttpResponse:
        kept = {name: given.get(name) for name in _RETURNED if given.get(name)}
        html = pages.sign_in(self._asked(to.client, wanted.scope, account), "sign-in", kept, wrong=wrong)
        return _html(400 if wrong else 200, html, to.address)

    def _ask_for(self, waits: Device, account: str = "", wrong: str = "") -> HttpResponse:
        asked, kept = self._asked(self._clients[waits.client_id], waits.scope, account), {"user_code": waits.user_code}
        html = pages.sign_in(asked, "device/sign-in", kept, wrong=wrong, user_code=waits.user_code)
        return _html(400 if wrong else 200, html)

    def _asked(self, client: Client, scope: tuple[str, ...], account: str) -> pages.Asked:
        operators = OPERATOR in scope
        known = [name for of_operators, name in self._known if of_operators == operators]
        return pages.Asked(
            client.name, offers_operator=operators, account=account or _FIRST[operators], known=known[::-1][:_KNOWN]
        )

    def _agreed(self, client_id: str, account: str, scope: tuple[str, ...], given: Parameters, now: int) -> SignIn:
        as_asked = OPERATOR in scope
        if as_asked and not given.get("operator"):
            scope = tuple(word for word in scope if word != OPERATOR)
        self._known.pop((as_asked, account), None)
        self._known[as_asked, account] = None
        return SignIn(client_id, account, scope, now)

    def _is_foreign(self, request: HttpRequest) -> bool:
        return request.headers.get("origin", self._origins[0]) not in self._origins

    def _back(self, to: Destination, answer: dict[str, str]) -> HttpResponse:
        return _redirect(to.with_answer(answer, self._mint.issuer))


def refused_page(error: OAuthError) -> HttpResponse:
    """A refusal for the person at the browser, because there is no address that it may be sent to."""
    body = pages.told("This sign-in cannot go on", error.description, f"Code: {error.error}")
    return _html(error.status, body)


def _foreign() -> HttpResponse:
    return refused_page(OAuthError("invalid_request", "This form was sent by another site.", 403))


def _redirect(address: str) -> HttpResponse:
    return HttpResponse(303, {"Location": address, "Cache-Control": "no-store"}, b"")


def _html(status: int, html: str, address: str = "") -> HttpResponse:
    # A browser holds the redirect that answers a form to the form's policy too.
    targets = f"'self' {address}" if address else "'self'"
    policy = f"{_POLICY}; form-action {targets}"
    return HttpResponse(status, {**HTML_HEADERS, "Content-Security-Policy": policy}, html.encode("utf-8", "replace"))
