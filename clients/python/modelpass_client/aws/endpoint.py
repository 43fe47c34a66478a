"""Where a service of AWS answers, and whom a connection to it trusts. Rule: nothing is sent here.

An error (`ConfigurationError`) names the setting that is missing or wrong, never its value.
"""

from __future__ import annotations

import os
import re
import ssl
import sys
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REGION: Final = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]+")
_HOST: Final = re.compile(r"([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|[0-9a-f:.]+")
_SUFFIXES: Final = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}
"""The domain of a Region, where it is not `amazonaws.com`, by the first part of the Region's name."""
_ISOLATED: Final = ("us-iso", "us-isob", "us-isof", "eu-isoe")
_OTHER_ENDPOINTS: Final = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
_PORTS: Final = {"https": 443, "http": 80}


class Endpoint(NamedTuple):
    """Where a service answers; `authority` is what the `Host` header says."""

    host: str
    port: int
    tls: bool
    authority: str


def region_of(named: str | None, environment: Mapping[str, str]) -> str:
    """The Region that is named, or else the environment's (`AWS_REGION`, `AWS_DEFAULT_REGION`)."""
    region = named or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    if _REGION.fullmatch(region) is None:
        raise ConfigurationError("region (AWS_REGION) must name a Region of AWS")
    return region


def endpoint_of(service: str, region: str, environment: Mapping[str, str]) -> Endpoint:
    """The standard endpoint of a service in a Region.

    Raises `ConfigurationError` where another kind of endpoint is wanted, which has to be named: FIPS and dual-stack
    endpoints, and those of isolated partitions.
    """
    for name in _OTHER_ENDPOINTS:
        if environment.get(name, "").lower() == "true":
            raise ConfigurationError(f"{name} is not followed: the endpoint must be named (endpoint)")
    if region.startswith(_ISOLATED):
        raise ConfigurationError("in this Region the endpoint must be named (endpoint)")
    host = f"{service}.{region}.{_SUFFIXES.get(region.partition('-')[0], 'amazonaws.com')}"
    return Endpoint(host, _PORTS["https"], tls=True, authority=host)


def endpoint_at(url: str, setting: str = "endpoint") -> Endpoint:
    """The endpoint that a URL names, `http(s)://host` or `http(s)://host:port`; errors name the `setting`."""
    wrong = ConfigurationError(f"{setting} must be http(s)://host or http(s)://host:port")
    if not is_visible(url):
        raise wrong
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    beyond = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc or port == 0
    if parts.scheme not in _PORTS or _HOST.fullmatch(host) is None or beyond:
        raise wrong
    own = _PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port in (None, own) else f"{shown}:{port}"
    return Endpoint(host, port or own, tls=parts.scheme == "https", authority=authority)


def trusting(environment: Mapping[str, str]) -> ssl.SSLContext:
    """A context of TLS 1.2 or newer that checks certificates and host names.

    It trusts the file that `AWS_CA_BUNDLE` names, or else the roots that OpenSSL knows, or else,
    on a system without any, those of `certifi` where that is installed.
    """
    bundle = environment.get("AWS_CA_BUNDLE") or None
    if bundle is None and not _system_has_roots():
        bundle = _certifi()
    try:
        context = ssl.create_default_context(cafile=bundle)
    except OSError:
        raise ConfigurationError("AWS_CA_BUNDLE must name a readable file of certificates") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _system_has_roots() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    paths = ssl.get_default_verify_paths()
    return paths.cafile is not None or (paths.capath is not None and any(os.scandir(paths.capath)))


def _certifi() -> str | None:
    try:
        import certifi  # noqa: PLC0415 - needed only on a system without roots
    except ImportError:
        return None
    where: str = certifi.where()
    return where


def is_visible(text: str) -> bool:
    """Whether a text may become a header line: visible ASCII characters alone."""
    return text.isascii() and text.isprintable() and " " not in text
