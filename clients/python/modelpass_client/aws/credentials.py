"""What requests are signed with, and its renewal. Rule: no request waits for that while the old credentials are good.

A *source* of credentials is any function without arguments that gives `Credentials`; it is called for each request and
raises `BackendError` when there are none. There are three: a fixed value, the environment as it is at each request,
and `RenewedCredentials`, which fetches new ones in a thread of its own before the old ones end. botocore is imported
by `default_credentials` alone, and only where the environment holds no credentials.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from modelpass_client.aws.endpoint import is_visible
from modelpass_client.aws.sigv4 import Credentials
from modelpass_client.backend import BackendError
from modelpass_client.errors import ConfigurationError

Source = Callable[[], Credentials]

EARLY_SECONDS: Final = 600.0
"""So long before their end credentials are renewed; those that live shorter than twice this, at half of their life."""
PAUSE_SECONDS: Final = 5.0
"""Between two tries to renew; one second once the old credentials have ended."""
PAUSE_WITHOUT_SECONDS: Final = 1.0
WAIT_SECONDS: Final = 2.0
"""So long a request waits for new credentials when the old ones have ended."""
_ID: Final = "AWS_ACCESS_KEY_ID"
_SECRET: Final = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a setting
_TOKENS: Final = ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")  # in botocore's order
_NEVER: Final = float(1 << 23)
"""In seconds, 97 days: what lasts longer is taken to have no end."""

_log = logging.getLogger(__name__)


class Lasting(NamedTuple):
    """Credentials and how many seconds they are good for from now; None when they have no end."""

    credentials: Credentials
    seconds: float | None


class Resolved(Protocol):
    """Credentials as botocore's chain finds them."""

    def get_frozen_credentials(self) -> Any:
        """What they are now, renewed where that is due."""


def checked(credentials: Credentials) -> Credentials:
    """The same credentials; raises `ConfigurationError` for what no header can hold."""
    parts = (credentials.access_key_id, credentials.secret_access_key)
    if not all(parts) or not is_visible("".join(parts) + (credentials.session_token or "")):
        raise ConfigurationError("credentials must be visible ASCII characters, neither id nor secret empty")
    return credentials


class EnvironmentCredentials:
    """The credentials that the environment holds at each request; read again when the access key id has changed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._last = _in_environment(environment)

    def __call__(self) -> Credentials:
        """The credentials now; raises `BackendError` when they are gone, or became what no header can hold."""
        if self._environment.get(_ID) != self._last.access_key_id:
            try:
                self._last = _in_environment(self._environment)
            except ConfigurationError as error:
                raise BackendError(str(error), maybe_done=False) from None  # it names settings, never their values
        return self._last


class RenewedCredentials:
    """Credentials that end, renewed in the background by `fetch`, one renewal at a time.

    While the old ones are good they are given at once, also when renewals fail. Once they have ended, a request waits
    `WAIT_SECONDS` at most for new ones, and then fails (`BackendError`). The first ones are fetched as it is made.
    """

    def __init__(self, fetch: Callable[[], Lasting], *, clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._renewed: threading.Event | None = None  # while a renewal is under way, what tells its end
        self._take(fetch())

    def __call__(self) -> Credentials:
        """The credentials now; raises `BackendError`."""
        now = self._clock()
        if now < self._renew_at:
            return self._credentials
        under_way = self._renewal(now)
        if now < self._ends:
            return self._credentials
        if under_way is not None:
            under_way.wait(WAIT_SECONDS)
        if self._clock() < self._ends:
            return self._credentials
        raise BackendError("the AWS credentials have ended, and new ones could not be had", maybe_done=False)

    def _renewal(self, now: float) -> threading.Event | None:
        """The renewal that is under way, which is begun where it is due; None when it is too soon for another."""
        if self._process != os.getpid():  # forked: neither a thread nor a lock that it holds has come along
            self._lock, self._process, self._renewed = threading.Lock(), os.getpid(), None
        with self._lock:
            if self._renewed is None and now >= self._renew_at:
                self._begin()
            return self._renewed

    def _begin(self) -> None:
        self._renewed = threading.Event()
        try:
            threading.Thread(target=self._renew, name="modelpass-credentials", daemon=True).start()
        except RuntimeError:  # the process ends, or may have no more threads
            self._renewed = None

    def _renew(self) -> None:
        try:
            self._take(self._fetch())
        except Exception as error:  # whatever a provider raises: the old ones are given on while they are good
            _log.warning("AWS credentials could not be renewed (%s)", type(error).__name__)
            now = self._clock()
            self._renew_at = now + (PAUSE_SECONDS if now + PAUSE_SECONDS < self._ends else PAUSE_WITHOUT_SECONDS)
        finally:
            with self._lock:
                renewed, self._renewed = self._renewed, None
            if renewed is not None:
                renewed.set()

    def _take(self, fetched: Lasting) -> None:
        credentials, seconds = fetched
        now = self._clock()
        left = _NEVER if seconds is None else seconds
        early = left - EARLY_SECONDS if left > 2 * EARLY_SECONDS else left / 2
        self._credentials = checked(credentials)
        self._ends = now + left
        self._renew_at = now + max(early, PAUSE_WITHOUT_SECONDS)


def default_credentials(environment: Mapping[str, str]) -> Source:
    """The environment's credentials, or else what botocore's chain finds: profiles, web identity, ECS, EKS, EC2.

    Raises `ConfigurationError` when there are none. The chain is asked here, so this may take seconds; botocore reads
    the environment of the process, whatever `environment` is.
    """
    if environment.get(_ID):
        return EnvironmentCredentials(environment)
    resolved = _botocores()
    failure = ""
    try:
        return RenewedCredentials(lambda: _lasting(resolved))
    except ConfigurationError:
        raise
    except Exception as error:  # whatever a provider raises
        failure = type(error).__name__
    raise ConfigurationError(f"no AWS credentials could be had ({failure})")


def _botocores() -> Resolved:
    """What botocore's chain finds. It imports botocore."""
    try:
        import botocore.session  # noqa: PLC0415 - only where the environment holds no credentials
    except ImportError:
        raise ConfigurationError(f"{_ID} is missing; without botocore credentials are in the environment") from None
    failure = ""
    try:
        resolved: Resolved | None = botocore.session.get_session().get_credentials()
    except Exception as error:  # whatever a provider raises: a profile that is missing, metadata that do not answer
        resolved, failure = None, f" ({type(error).__name__})"
    if resolved is None:
        raise ConfigurationError(f"{_ID} is missing, and botocore finds no other credentials{failure}")
    return resolved


def _lasting(resolved: Any) -> Lasting:
    """The credentials that botocore has now; it renews them as it is asked, in its last quarter of an hour."""
    frozen = resolved.get_frozen_credentials()
    credentials = Credentials(frozen.access_key, frozen.secret_key, frozen.token or None)
    return Lasting(credentials, _seconds_left(getattr(resolved, "refresh_needed", None)))


def _seconds_left(ends_within: Callable[[float], bool] | None) -> float | None:
    """How many seconds credentials are good for; None without an end. botocore only tells whether they end within."""
    if ends_within is None or not ends_within(_NEVER):
        return None
    low, high = 0.0, _NEVER
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if ends_within(middle) else (middle, high)
    return low


def _in_environment(environment: Mapping[str, str]) -> Credentials:
    access_key_id, secret = environment.get(_ID), environment.get(_SECRET)
    if not access_key_id or not secret:
        raise ConfigurationError(f"{_SECRET if access_key_id else _ID} is missing")
    token = next((environment[name] for name in _TOKENS if environment.get(name)), None)
    return checked(Credentials(access_key_id, secret, token))
