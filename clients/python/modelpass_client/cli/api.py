"""Calls over HTTPS, to the API and to a sign-in. Rule: a token is sent to the address it is for, and nowhere else.

So redirects are not followed, and plain `http://` is taken for this machine alone. No text of a failure holds a header
or a body that was sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from modelpass_client.cli.failures import Unreachable, usage
from modelpass_client.cli.refusals import refusal_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message
    from typing import IO

Json = dict[str, Any]
TIMEOUT_SECONDS: Final = 30.0
_MOST_BYTES: Final = 32_000_000
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_REDIRECTS: Final = range(300, 400)
_PAGE: Final = 100


class _NoRedirects(HTTPRedirectHandler):
    """Leaves a redirect as the answer that it is, so that no token follows it to another host."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str) -> None:
        """Follow none."""


_OPENER: Final = build_opener(_NoRedirects)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` is its JSON, None where it has none."""

    status: int
    headers: Message
    body: Any = field(repr=False)

    @property
    def json(self) -> Json:
        """The object of the body; raises `Unreachable` when it is none, for then no Modelpass has answered."""
        if not isinstance(self.body, dict):
            raise Unreachable("What answers there is no Modelpass.", "Check --url and MODELPASS_URL.")
        return self.body


def checked_url(url: str, name: str = "--url") -> str:
    """A URL that a token may be sent to, without a slash at its end; raises `Failure` for any other."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise usage(f"{name} must be a URL such as https://api.example.com, not {url!r}.")
    if parts.username is not None or parts.query or parts.fragment:
        raise usage(f"{name} must be a URL without a user, a query or a fragment.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise usage(f"{name} must begin with https://: over http:// a token could be read on its way.")
    return url.rstrip("/")


def ask(method: str, url: str, raw: bytes | None, headers: Mapping[str, str]) -> Answer:
    """Send a request once, and give its answer whatever its status; raises `Unreachable` when none comes."""
    request = Request(url, raw, dict(headers), method=method)  # noqa: S310 - `checked_url` has seen it
    host = urlsplit(url).netloc
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as response:
            return _answer(response.status, response.headers, response)
    except HTTPError as error:
        with error:
            if error.code in _REDIRECTS:
                raise Unreachable(f"{host} sends on to another address.", "Name that one as --url.") from None
            return _answer(error.code, error.headers, error)
    except (OSError, HTTPException, ValueError) as error:
        never_sent = isinstance(error, URLError) and isinstance(error.reason, ConnectionRefusedError)
        raise Unreachable(
            f"{host} does not answer: {_reason(error)}.",
            "Check --url and MODELPASS_URL, and that the service runs.",
            maybe_done=method != "GET" and not never_sent,
        ) from None


def _answer(status: int, headers: Message, stream: Any) -> Answer:
    raw = stream.read(_MOST_BYTES)
    try:
        return Answer(status, headers, json.loads(raw) if raw else None)
    except ValueError:
        return Answer(status, headers, None)


def _reason(error: Exception) -> str:
    """What is known of a lost connection, without the text of what was sent."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:.0f} s"
    return str(cause.strerror or cause) if isinstance(cause, OSError) else type(cause).__name__


def segment(identity: str) -> str:
    """The id of a model, a plan or an account within a path: encoded twice, which is right for every one."""
    return quote(quote(identity, safe=""), safe="")


@dataclass(frozen=True, slots=True)
class Api:
    """The HTTP API at an address, spoken to with a token. Every refusal is raised as `Refusal`."""

    base: str
    token: str | None = field(default=None, repr=False)

    def get(self, path: str, **query: str | int | None) -> Answer:
        """Ask for something; once more where no answer came, for asking changes nothing."""
        target = _target(path, query)
        try:
            return self._send("GET", target, None, {})
        except Unreachable:
            return self._send("GET", target, None, {})

    def change(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str | None] | None = None,
        reason: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Send what changes something, once, with the reason it is logged with; what is None is left out."""
        sent = {name: value for name, value in (headers or {}).items() if value is not None}
        if reason is not None:
            sent["X-Request-Reason"] = quote(reason, safe="")
        return self._send(method, _target(path, query or {}), body, sent)

    def pages(self, path: str, member: str, *, page: int = _PAGE, **query: str | int | None) -> Iterator[Json]:
        """Every entry of a list, page after page; a page may be empty and still have a next one."""
        cursor: str | None = None
        while True:
            found = self.get(path, limit=page, cursor=cursor, **query).json
            entries = found.get(member)
            if not isinstance(entries, list):
                raise Unreachable("What answers there is no Modelpass.", "Check --url and MODELPASS_URL.")
            yield from entries
            cursor = found.get("next")
            if cursor is None:
                return

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> Answer:
        raw = None
        headers = {"Accept": "application/json", **headers}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            raw = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        answer = ask(method, self.base + path, raw, headers)
        if answer.status >= _REDIRECTS.stop:
            raise refusal_of(answer.status, answer.body, answer.headers.get("Retry-After"))
        return answer


def _target(path: str, query: Mapping[str, str | int | None]) -> str:
    asked = urlencode({name: value for name, value in query.items() if value is not None})
    return f"{path}?{asked}" if asked else path
