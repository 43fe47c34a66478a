"""Codes, refresh tokens and devices that wait, from when they are given out to when they are used. Rule: no HTTP.

A code is used once: whoever brings it again ends the sign-in that it began. A refresh token is replaced whenever it is
used. The one before is taken for `GRACE_SECONDS` more, for a reply may be lost and a tab doubled; later, it ends the
sign-in, for then somebody else may have it. Times are seconds of the real clock, as everywhere with tokens.
"""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field, replace
from typing import Final

from local.identity import flows
from local.identity.flows import OAuthError
from local.identity.kept import Kept

CODE_SECONDS: Final = 60
REFRESH_SECONDS: Final = 30 * 86_400
GRACE_SECONDS: Final = 60
DEVICE_SECONDS: Final = 600
INTERVAL_SECONDS: Final = 1
SLOWER_SECONDS: Final = 5
_USER_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words, as RFC 8628 proposes
_USER_HALF: Final = 4
_NOT_LETTERS: Final = re.compile(r"[^A-Z]")


@dataclass(frozen=True, slots=True)
class SignIn:
    """That a person let a client act for an account, within a scope. All tokens of it have its `session` in common."""

    client_id: str
    account: str
    scope: tuple[str, ...]
    at: int
    nonce: str = ""
    session: str = field(default_factory=lambda: secrets.token_urlsafe(16))


@dataclass(slots=True)
class _Code:
    sign_in: SignIn
    address: str
    challenge: str
    used: bool = False


@dataclass(slots=True)
class _Refresh:
    sign_in: SignIn
    used_at: int | None = None


@dataclass(slots=True)
class Device:
    """A device that waits for somebody to type its code."""

    client_id: str
    scope: tuple[str, ...]
    user_code: str
    device_code: str = field(repr=False)
    interval: int = INTERVAL_SECONDS
    asked_at: int | None = None
    sign_in: SignIn | None = None
    denied: bool = False


class Grants:
    """All that waits to be used; safe for threads. What cannot be used raises `OAuthError`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._codes: Kept[_Code] = Kept()
        self._refreshes: Kept[_Refresh] = Kept()
        self._devices: Kept[Device] = Kept()
        self._typed: Kept[Device] = Kept()
        self._ended: Kept[bool] = Kept()

    def code(self, sign_in: SignIn, address: str, challenge: str) -> str:
        """A code for a sign-in that has just been agreed to."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._codes.put(code, _Code(sign_in, address, challenge), sign_in.at + REFRESH_SECONDS)
        return code

    def redeemed(self, code: str, client_id: str, address: str, verifier: str, now: int) -> SignIn:
        """The sign-in of a code, once, for who began it."""
        with self._lock:
            held = self._codes.get(code, now)
            if held is None or held.sign_in.client_id != client_id:
                raise OAuthError("invalid_grant", "There is no such code for this client.")
            if held.used:
                self._end(held.sign_in.session, now)
                raise OAuthError("invalid_grant", "The code was used before, so its sign-in has ended.")
            if now >= held.sign_in.at + CODE_SECONDS:
                raise OAuthError("invalid_grant", "The code has expired.")
            if held.address != address:
                raise OAuthError("invalid_grant", "redirect_uri is not the one that the code was sent to.")
            if not flows.proves(verifier, held.challenge):
                raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge.")
            held.used = True
            return held.sign_in

    def refresh_token(self, sign_in: SignIn, now: int) -> str:
        """A refresh token for a sign-in."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._refreshes.put(token, _Refresh(sign_in), now + REFRESH_SECONDS)
        return token

    def refreshed(self, token: str, client_id: str, now: int) -> SignIn:
        """The sign-in of a refresh token, which another is to replace."""
        with self._lock:
            held = self._refreshes.get(token, now)
            if held is None or held.sign_in.client_id != client_id or self._has_ended(held.sign_in.session, now):
                raise OAuthError("invalid_grant", "There is no such refresh token for this client.")
            if held.used_at is not None and now >= held.used_at + GRACE_SECONDS:
                self._end(held.sign_in.session, now)
                raise OAuthError("invalid_grant", "The refresh token was replaced before, so its sign-in has ended.")
            if held.used_at is None:
                held.used_at = now
            return held.sign_in

    def end(self, session: str, now: int) -> None:
        """End a sign-in: none of its refresh tokens is taken any more."""
        with self._lock:
            self._end(session, now)

    def device(self, client_id: str, scope: tuple[str, ...], now: int) -> Device:
        """A device that begins to wait."""
        letters = "".join(secrets.choice(_USER_LETTERS) for _ in range(2 * _USER_HALF))
        waits = Device(client_id, scope, f"{letters[:_USER_HALF]}-{letters[_USER_HALF:]}", secrets.token_urlsafe(32))
        with self._lock:
            self._devices.put(waits.device_code, waits, now + 2 * DEVICE_SECONDS)  # longer, to tell that it has expired
            self._typed.put(_letters(waits.user_code), waits, now + DEVICE_SECONDS)
        return waits

    def typed(self, user_code: str, now: int) -> Device | None:
        """The device that shows this code and still waits; case and what stands between the letters do not matter."""
        with self._lock:
            return self._waiting(user_code, now)

    def decide(self, user_code: str, sign_in: SignIn | None, now: int) -> bool:
        """Let the device sign in, or deny it with None; False when none waits by this code."""
        with self._lock:
            found = self._waiting(user_code, now)
            if found is None:
                return False
            found.sign_in, found.denied = sign_in, sign_in is None
            return True

    def polled(self, device_code: str, client_id: str, now: int) -> SignIn:
        """The sign-in of a device, once; until there is one, the errors of RFC 8628."""
        with self._lock:
            held = self._devices.get(device_code, now)
            if held is None or held.client_id != client_id:
                raise OAuthError("invalid_grant", "There is no such device code for this client.")
            if held.denied:
                raise OAuthError("access_denied", "The sign-in was denied.")
            if held.sign_in is not None:
                self._devices.drop(device_code)
                return held.sign_in
            if self._typed.get(_letters(held.user_code), now) is None:
                raise OAuthError("expired_token", "The device code has expired.")
            soon = held.asked_at is not None and now < held.asked_at + held.interval
            held.asked_at = now
            if soon:
                held.interval += SLOWER_SECONDS
                raise OAuthError("slow_down", f"Ask every {held.interval} seconds.")
            raise OAuthError("authorization_pending", "Nobody has decided yet.")

    def _waiting(self, user_code: str, now: int) -> Device | None:
        found = self._typed.get(_letters(user_code), now)
        return None if found is None or found.denied or found.sign_in is not None else found

    def _end(self, session: str, now: int) -> None:
        self._ended.put(session, True, now + 2 * REFRESH_SECONDS)  # noqa: FBT003 - a set whose members expire

    def _has_ended(self, session: str, now: int) -> bool:
        return self._ended.get(session, now) is not None


def narrowed(sign_in: SignIn, text: str) -> SignIn:
    """A sign-in within the scope that is asked for, which may be less; raises `OAuthError` for more."""
    return replace(sign_in, scope=flows.narrowed_scope(sign_in.scope, text))


def _letters(user_code: str) -> str:
    return _NOT_LETTERS.sub("", user_code.upper())
