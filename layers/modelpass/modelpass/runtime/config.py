"""Settings from the environment, read once at cold start. Rule: a deployment that lacks one says which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema
from modelpass.api_keys import DeploymentKeys
from modelpass.dynamodb.sigv4 import Credentials
from modelpass.runtime.deps import DEFAULT_MAX_OPEN_HOLDS
from modelpass.schema import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORTEST_KEY: Final = 32
_SIGNING: Final = "DEPLOYMENT_KEY"
_ACCEPTED: Final = "DEPLOYMENT_KEYS_ACCEPTED"
_VERSION: Final = "SCHEMA_VERSION_WRITTEN"
_CLIENT: Final = "STORE_CLIENT"
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


class Endpoint(NamedTuple):
    """Where the store answers; `authority` is what the `Host` header says."""

    host: str
    port: int
    tls: bool
    authority: str


def tables(environment: Mapping[str, str]) -> Tables:
    """The names of the tables this function was given, and the schema version of what it makes in them."""
    return Tables(
        entitlements=environment.get("ENTITLEMENTS_TABLE", ""),
        subscriptions=environment.get("SUBSCRIPTIONS_TABLE", ""),
        history=environment.get("HISTORY_TABLE", ""),
        events=environment.get("EVENTS_TABLE", ""),
        catalogue=environment.get("CATALOGUE_TABLE", ""),
        version=_version_written(environment),
    )


def _version_written(environment: Mapping[str, str]) -> int:
    given = environment.get(_VERSION, str(schema.NEWEST))
    if given not in (str(schema.PREVIOUS), str(schema.NEWEST)):
        msg = f"{_VERSION} must be {schema.PREVIOUS} or {schema.NEWEST}"
        raise ConfigError(msg)
    return int(given)


def deployment_keys(environment: Mapping[str, str]) -> DeploymentKeys:
    """The deployment key, and those accepted beside it, separated by blanks; none for functions that sign nothing."""
    signing = environment.get(_SIGNING, "")
    accepted = environment.get(_ACCEPTED, "").split()
    if accepted and not signing:
        raise _missing(_SIGNING)
    named = [(_SIGNING, signing)] if signing else []
    named += [(_ACCEPTED, value) for value in accepted]
    for name, value in named:
        if len(value) < _SHORTEST_KEY:
            msg = f"{name} must have at least {_SHORTEST_KEY} characters"
            raise ConfigError(msg)
    if any(character.isspace() for character in signing):
        msg = f"{_SIGNING} must hold no blanks, which separate the keys of {_ACCEPTED}"
        raise ConfigError(msg)
    return DeploymentKeys(tuple(value.encode() for _, value in named))


def signing_keys(environment: Mapping[str, str]) -> DeploymentKeys:
    """The deployment keys of a function that cannot work without one."""
    keys = deployment_keys(environment)
    if not keys.secrets:
        raise _missing(_SIGNING)
    return keys


def max_open_holds(environment: Mapping[str, str]) -> int:
    """How many holds may be open per entitlement."""
    text = environment.get("MAX_OPEN_HOLDS", str(DEFAULT_MAX_OPEN_HOLDS))
    if not text.isdecimal() or int(text) < 1:
        msg = "MAX_OPEN_HOLDS must be a whole number from 1"
        raise ConfigError(msg)
    return int(text)


def lean_client_chosen(environment: Mapping[str, str]) -> bool:
    """Whether this function asks the store without an SDK; those that are not told use boto3."""
    chosen = environment.get(_CLIENT, "boto3")
    if chosen not in ("lean", "boto3"):
        msg = f"{_CLIENT} must be lean or boto3"
        raise ConfigError(msg)
    return chosen == "lean"


def region(environment: Mapping[str, str]) -> str:
    """The Region this function runs in, which Lambda tells."""
    name = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    if _REGION.fullmatch(name) is None:
        msg = "AWS_REGION must name a Region"
        raise ConfigError(msg)
    return name


def store_endpoint(environment: Mapping[str, str]) -> Endpoint:
    """The endpoint that is named, or the Region's; for the lean client, which has no other kind."""
    named = next((name for name in _ENDPOINTS if environment.get(name)), None)
    if named is not None:
        return _endpoint(named, environment[named])
    for name in _OTHER_ENDPOINTS:
        if environment.get(name, "").lower() == "true":
            msg = f"{name} needs {_CLIENT}=boto3, or {_ENDPOINTS[0]}"
            raise ConfigError(msg)
    where = region(environment)
    if where.startswith(_ISOLATED):
        msg = f"{where} needs {_CLIENT}=boto3, or {_ENDPOINTS[0]}"
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


def credentials(environment: Mapping[str, str]) -> Credentials:
    """The credentials of the environment as it is now; raises `ConfigError` when there are none."""
    access_key_id, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    token = environment.get("AWS_SESSION_TOKEN") or None
    if not access_key_id or not secret:
        raise _missing("AWS_SECRET_ACCESS_KEY" if access_key_id else "AWS_ACCESS_KEY_ID")
    if not _is_visible(f"{access_key_id}{secret}{token or ''}"):  # they become header lines, and are signed as they are
        msg = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN must be visible ASCII characters"
        raise ConfigError(msg)
    return Credentials(access_key_id, secret, token)


class RotatingCredentials:
    """The credentials of an environment at each moment.

    All of it is read again when its access key id is another: AWS gives no id a second secret.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._last = Credentials("\0", "", None)  # an id that no environment can hold: even an empty one is another

    def __call__(self) -> Credentials:
        """The credentials now; raises `ConfigError` when there are none."""
        if self._environment.get("AWS_ACCESS_KEY_ID") != self._last.access_key_id:
            self._last = credentials(self._environment)
        return self._last


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def browsers_may_call(environment: Mapping[str, str]) -> bool:
    """Whether pages of some web origin may call the API; which, only API Gateway has to know."""
    return bool(environment.get("CORS_ORIGINS"))


def requests_are_traced(environment: Mapping[str, str]) -> bool:
    """Whether X-Ray is told of requests to the API."""
    return environment.get("TRACING") == "Active"


def _missing(name: str) -> ConfigError:
    return ConfigError(f"{name} is missing")
