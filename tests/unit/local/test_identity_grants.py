"""Codes, refresh tokens and devices of the local provider: each is good once, for its client, for its time."""

from __future__ import annotations

import pytest

from local.identity import flows, grants, kept
from local.identity.flows import OAuthError
from local.identity.grants import CODE_SECONDS, DEVICE_SECONDS, GRACE_SECONDS, REFRESH_SECONDS, Grants, SignIn

NOW = 1_800_000_000
CLIENT, HOME = "modelpass-console", "http://127.0.0.1:3000/"
VERIFIER = "v" * 43
CHALLENGE = flows.challenge_of(VERIFIER)
ADA = SignIn(CLIENT, "acct_ada", ("openid", "offline_access"), NOW)


def refusal(held: Grants, what: str, *words: str, now: int = NOW) -> str:
    """The code by which something is refused."""
    with pytest.raises(OAuthError) as refused:
        getattr(held, what)(*words, now)
    return refused.value.error


def test_a_code_gives_its_sign_in_to_who_began_it() -> None:
    held = Grants()
    code = held.code(ADA, HOME, CHALLENGE)
    assert held.redeemed(code, CLIENT, HOME, VERIFIER, NOW + CODE_SECONDS - 1) == ADA


@pytest.mark.parametrize(
    ("client", "address", "verifier", "after"),
    [
        ("modelpass-cli", HOME, VERIFIER, 0),
        (CLIENT, "http://localhost:3000/", VERIFIER, 0),
        (CLIENT, HOME, "w" * 43, 0),
        (CLIENT, HOME, VERIFIER, CODE_SECONDS),
    ],
)
def test_a_code_is_refused_to_everybody_else(client: str, address: str, verifier: str, after: int) -> None:
    held = Grants()
    code = held.code(ADA, HOME, CHALLENGE)
    assert refusal(held, "redeemed", code, client, address, verifier, now=NOW + after) == "invalid_grant"
    assert held.redeemed(code, CLIENT, HOME, VERIFIER, NOW) == ADA  # nobody else has used it up
    assert refusal(held, "redeemed", "unknown", CLIENT, HOME, VERIFIER) == "invalid_grant"


def test_a_code_that_comes_again_ends_the_sign_in() -> None:
    held = Grants()
    code = held.code(ADA, HOME, CHALLENGE)
    token = held.refresh_token(held.redeemed(code, CLIENT, HOME, VERIFIER, NOW), NOW)
    assert refusal(held, "redeemed", code, CLIENT, HOME, VERIFIER, now=NOW + 5) == "invalid_grant"
    assert refusal(held, "refreshed", token, CLIENT, now=NOW + 6) == "invalid_grant"


def test_a_refresh_token_is_taken_again_for_a_lost_reply_and_a_doubled_tab_alone() -> None:
    held = Grants()
    first = held.refresh_token(ADA, NOW)
    assert held.refreshed(first, CLIENT, NOW + 10) == ADA
    second = held.refresh_token(ADA, NOW + 10)
    assert held.refreshed(first, CLIENT, NOW + 10 + GRACE_SECONDS - 1) == ADA
    assert held.refreshed(second, CLIENT, NOW + 1000) == ADA
    assert refusal(held, "refreshed", first, CLIENT, now=NOW + 10 + GRACE_SECONDS) == "invalid_grant"
    assert refusal(held, "refreshed", second, CLIENT, now=NOW + 1001) == "invalid_grant"  # the sign-in has ended


def test_a_refresh_token_is_its_clients_and_not_for_ever() -> None:
    held = Grants()
    token = held.refresh_token(ADA, NOW)
    assert refusal(held, "refreshed", token, "modelpass-cli") == "invalid_grant"
    assert refusal(held, "refreshed", token, CLIENT, now=NOW + REFRESH_SECONDS) == "invalid_grant"
    held.end(ADA.session, NOW)
    assert refusal(held, "refreshed", token, CLIENT) == "invalid_grant"


def test_signing_out_ends_one_sign_in_and_no_other() -> None:
    held = Grants()
    mine, another = SignIn(CLIENT, "acct_ada", (), NOW), SignIn(CLIENT, "acct_ada", (), NOW)
    token = held.refresh_token(another, NOW)
    held.end(mine.session, NOW)
    assert held.refreshed(token, CLIENT, NOW) == another


def test_a_device_waits_is_asked_to_slow_down_and_signs_in_once() -> None:
    held = Grants()
    waits = held.device("modelpass-cli", ("openid",), NOW)
    device = (waits.device_code, "modelpass-cli")
    assert refusal(held, "polled", *device) == "authorization_pending"
    assert refusal(held, "polled", *device) == "slow_down"
    assert refusal(held, "polled", *device, now=NOW + 5) == "slow_down"  # an interval of 6 seconds, and now of 11
    assert refusal(held, "polled", *device, now=NOW + 16) == "authorization_pending"
    ops = SignIn("modelpass-cli", "operator", ("openid",), NOW)
    assert held.decide(waits.user_code.lower().replace("-", " "), ops, NOW + 17)
    assert not held.decide(waits.user_code, None, NOW + 17)  # it is decided once
    assert held.typed(waits.user_code, NOW + 17) is None
    assert held.polled(*device, NOW + 17) == ops
    assert refusal(held, "polled", *device, now=NOW + 18) == "invalid_grant"


def test_a_device_is_denied_or_expires_and_is_its_clients() -> None:
    held = Grants()
    denied, late = held.device("modelpass-cli", (), NOW), held.device("modelpass-cli", (), NOW)
    assert held.typed(denied.user_code, NOW) is denied
    assert held.decide(denied.user_code, None, NOW)
    assert refusal(held, "polled", denied.device_code, "modelpass-cli") == "access_denied"
    assert refusal(held, "polled", denied.device_code, CLIENT) == "invalid_grant"
    expired = NOW + DEVICE_SECONDS
    assert refusal(held, "polled", late.device_code, "modelpass-cli", now=expired) == "expired_token"
    assert not held.decide(late.user_code, ADA, expired)
    assert not held.decide("", ADA, NOW)


def test_secrets_are_shown_nowhere() -> None:
    held = Grants()
    waits = held.device("modelpass-cli", (), NOW)
    assert waits.device_code not in repr(waits)
    things: kept.Kept[int] = kept.Kept()
    things.put("secret", 1, NOW + 1)
    assert "secret" not in repr(vars(things))


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    things: kept.Kept[int] = kept.Kept()
    for number in range(kept.MOST + 1):
        things.put(str(number), number, NOW + 1)
    assert things.get("0", NOW) is None
    assert (things.get("1", NOW), things.get(str(kept.MOST), NOW)) == (1, kept.MOST)
    assert things.get("1", NOW + 1) is None
    things.drop("1")
    things.drop("1")
    assert things.get("1", NOW) is None


def test_a_sign_in_is_narrowed_without_becoming_another() -> None:
    less = grants.narrowed(ADA, "openid")
    assert (less.scope, less.session) == (("openid",), ADA.session)
