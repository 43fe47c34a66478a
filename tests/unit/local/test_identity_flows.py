"""What the local provider takes and refuses, by the codes of RFC 6749, 7636 and OpenID Connect."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from local.identity import flows
from local.identity.clients import COMMAND_LINE, CUSTOMERS_CONSOLE, OPERATORS_CONSOLE, registered
from local.identity.flows import OAuthError, parameters

CLIENTS = registered(3000)
HOME = "http://127.0.0.1:3000/"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # both from appendix B of RFC 7636
WELL = {
    "client_id": OPERATORS_CONSOLE,
    "redirect_uri": HOME,
    "response_type": "code",
    "scope": "openid offline_access operator",
    "state": "x y&z",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def given(**changes: str | None) -> flows.Parameters:
    return parameters(urlencode({k: v for k, v in {**WELL, **changes}.items() if v is not None}))


def test_a_request_that_is_well_formed_is_understood() -> None:
    to = flows.destination(CLIENTS, given())
    assert (to.client.client_id, to.address, to.state) == (OPERATORS_CONSOLE, HOME, "x y&z")
    wanted = flows.authorization(to.client, given())
    assert wanted == flows.Authorization(("openid", "offline_access", "operator"), CHALLENGE, "n-1")


@pytest.mark.parametrize("address", [HOME, "http://localhost:3000/"])
def test_an_answer_goes_to_an_address_of_the_client_with_its_state_and_the_issuer(address: str) -> None:
    sent = flows.destination(CLIENTS, given(redirect_uri=address)).with_answer({"code": "c&d"}, "http://issuer")
    assert sent.startswith(f"{address}?")
    assert parse_qs(urlsplit(sent).query) == {"code": ["c&d"], "state": ["x y&z"], "iss": ["http://issuer"]}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "another"}, "unauthorized_client"),
        ({"client_id": COMMAND_LINE}, "unauthorized_client"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:3000"}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:3000/?a=b"}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:3001/"}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:3000/../"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
    ],
    ids=str,
)
def test_nobody_is_sent_to_an_address_that_is_not_the_clients(changes: dict[str, str | None], error: str) -> None:
    with pytest.raises(OAuthError) as refused:
        flows.destination(CLIENTS, given(**changes))
    assert (refused.value.error, refused.value.status) == (error, 400)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_an_address_that_is_named_twice_is_none(name: str) -> None:
    with pytest.raises(OAuthError):
        flows.destination(CLIENTS, parameters(f"{urlencode(WELL)}&{name}={WELL[name]}"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1] + "="}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"client_id": CUSTOMERS_CONSOLE}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
        ({"request": "e30"}, "request_not_supported"),
        ({"request_uri": "https://a.example"}, "request_uri_not_supported"),
    ],
    ids=str,
)
def test_what_cannot_be_granted_is_refused_by_its_code(changes: dict[str, str | None], error: str) -> None:
    sent = given(**changes)
    to = flows.destination(CLIENTS, sent)
    with pytest.raises(OAuthError) as refused:
        flows.authorization(to.client, sent)
    assert refused.value.error == error


def test_a_parameter_that_came_twice_is_refused_and_one_without_a_value_was_not_sent() -> None:
    with pytest.raises(OAuthError) as refused:
        flows.authorization(CLIENTS[OPERATORS_CONSOLE], parameters(f"{urlencode(WELL)}&scope=openid"))
    assert refused.value.error == "invalid_request"
    assert parameters("a=&b=1").values == {"b": "1"}
    with pytest.raises(OAuthError):
        parameters("&".join(f"a{n}=1" for n in range(65)))


def test_a_verifier_proves_the_challenge_of_the_rfc_and_no_other() -> None:
    assert flows.proves(VERIFIER, CHALLENGE)
    assert not flows.proves(VERIFIER, CHALLENGE[:-1] + "N")
    assert not flows.proves(f"{VERIFIER}x", CHALLENGE)


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 42 + "+", "a" * 42 + "é", "a" * 43 + "\n"])
def test_a_verifier_that_cannot_be_one_is_refused(verifier: str) -> None:
    with pytest.raises(OAuthError) as refused:
        flows.verifier_of(flows.Parameters({"code_verifier": verifier} if verifier else {}))
    assert refused.value.error == "invalid_request"


@pytest.mark.parametrize(
    ("form", "header", "error", "status"),
    [
        ("grant_type=authorization_code", "", "invalid_client", 401),
        ("client_id=another", "", "invalid_client", 401),
        (f"client_id={COMMAND_LINE}&client_secret=s", "", "invalid_client", 401),
        (f"client_id={COMMAND_LINE}", "Basic bzpw", "invalid_client", 401),
        (f"client_id={COMMAND_LINE}&client_id={COMMAND_LINE}", "", "invalid_request", 400),
        (f"client_id={COMMAND_LINE}", "", "invalid_request", 400),
        (f"client_id={COMMAND_LINE}&grant_type=password", "", "unsupported_grant_type", 400),
        (f"client_id={COMMAND_LINE}&grant_type=authorization_code", "", "unauthorized_client", 400),
        (f"client_id={CUSTOMERS_CONSOLE}&grant_type={flows.DEVICE_GRANT}", "", "unauthorized_client", 400),
    ],
)
def test_who_may_not_have_tokens_is_told_why(form: str, header: str, error: str, status: int) -> None:
    with pytest.raises(OAuthError) as refused:
        flows.grant_of(flows.token_client(CLIENTS, parameters(form), header), parameters(form))
    assert (refused.value.error, refused.value.status) == (error, status)


def test_refreshed_tokens_may_have_less_and_never_more() -> None:
    held = ("openid", "operator")
    assert flows.narrowed_scope(held, "") == held
    assert flows.narrowed_scope(held, "openid openid") == ("openid",)
    with pytest.raises(OAuthError) as refused:
        flows.narrowed_scope(held, "openid offline_access")
    assert refused.value.error == "invalid_scope"
