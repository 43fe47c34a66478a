"""The endpoint, the Region and the credentials of DynamoDB, read from the environment for the lean client.

Rule: only what a client needs in order to connect and to sign; the other settings are in `runtime.config`. An error
(`ConfigError`) names the setting that is missing or wrong, never its value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.dynamodb.sigv4 import Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT_SETTING: Final = "STORE_CLIENT"
"""The setting that chooses between the lean client and boto3; errors here name it as the way out."""
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL")
_OTHER_ENDPOINTS: Final = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
_REGION: Final = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]+")
_HOST: Final = re.compile(r"([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|[0-9a-f:.]+")
_SUFFIXES: Final = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}
"""The domain of a Region, where it is not `amazonaws.com`, by the first part of the Region's name."""
_ISOLATED: Final = ("us-iso", "us-isob", "us-isof", "eu-isoe")
_PORTS: Final = {"https": 443, "http": 80}


class ConfigError(Exception):
    """A setting is missing or wrong; the message names it, never its value."""


def missing(name: str) -> ConfigError:
    """The error for a setting that is needed and not there."""
    return ConfigError(f"{name} is missing")


class Endpoint(NamedTuple):
    """Where the store answers; `authority` is what the `Host` header says."""

    host: str
    port: int
    tls: bool
    authority: str


def region_of(environment: Mapping[str, str]) -> str:
    """The Region this function runs in, as Lambda sets it; raises `ConfigError` when it names none."""
    name = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    if _REGION.fullmatch(name) is None:
        msg = "AWS_REGION must name a Region"
        raise ConfigError(msg)
    return name


def store_endpoint(environment: Mapping[str, str]) -> Endpoint:
    """The endpoint that a setting names, or else the Region's standard one.

    Raises `ConfigError` for what the lean client cannot ask: FIPS and dual-stack endpoints, and isolated partitions.
    """
    named = next((name for name in _ENDPOINTS if environment.get(name)), None)
    if named is not None:
        return _endpoint(named, environment[named])
    for name in _OTHER_ENDPOINTS:
        if environment.get(name, "").lower() == "true":
            msg = f"{name} needs {CLIENT_SETTING}=boto3, or {_ENDPOINTS[0]}"
            raise ConfigError(msg)
    where = region_of(environment)
    if where.startswith(_ISOLATED):
        msg = f"{where} needs {CLIENT_SETTING}=boto3, or {_ENDPOINTS[0]}"
        raise ConfigError(msg)
    host = f"dynamodb.{where}.{_SUFFIXES.get(where.partition('-')[0], 'amazonaws.com')}"
    return Endpoint(host, _PORTS["https"], tls=True, authority=host)


def _endpoint(name: str, url: str) -> Endpoint:
    from urllib.parse import urlsplit  # noqa: PLC0415 - no deployment names an endpoint, and it takes long to load

    try:
        parts = urlsplit(url)
        name_of_host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError(_no_endpoint(name)) from None
    beyond = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc or port == 0
    if parts.scheme not in _PORTS or _HOST.fullmatch(name_of_host) is None or beyond or not _is_visible(url):
        raise ConfigError(_no_endpoint(name))
    own = _PORTS[parts.scheme]
    host = f"[{name_of_host}]" if ":" in name_of_host else name_of_host
    authority = host if port in (None, own) else f"{host}:{port}"
    return Endpoint(name_of_host, port or own, tls=parts.scheme == "https", authority=authority)


def _no_endpoint(name: str) -> str:
    return f"{name} must be http(s)://host or http(s)://host:port"


def credentials_of(environment: Mapping[str, str]) -> Credentials:
    """The credentials of the environment as it is now; raises `ConfigError` when there are none."""
    access_key_id, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    token = environment.get("AWS_SESSION_TOKEN") or None
    if not access_key_id or not secret:
        raise missing("AWS_SECRET_ACCESS_KEY" if access_key_id else "AWS_ACCESS_KEY_ID")
    if not _is_visible(f"{access_key_id}{secret}{token or ''}"):  # they become header lines
        msg = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN must be visible ASCII characters"
        raise ConfigError(msg)
    return Credentials(access_key_id, secret, token)


class RotatingCredentials:
    """The credentials of an environment as it is at each call.

    They are read again only when the access key id has changed: AWS never gives an id a second secret.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._last = Credentials("\0", "", None)  # no environment can hold this id, so the first call reads them

    def __call__(self) -> Credentials:
        """The credentials now; raises `ConfigError` when there are none."""
        if self._environment.get("AWS_ACCESS_KEY_ID") != self._last.access_key_id:
            self._last = credentials_of(self._environment)
        return self._last


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
