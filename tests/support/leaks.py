"""No output of any test holds a secret. Rule: every secret is kept as it is made, and all output is looked through.

Kept are API keys and the hashes of them, authorization ids, JWTs and deployment keys: those that are issued in this
process, by whichever test, and those that a stack hands out. Looked through is what was written during a test, as it
ends, and the functions' log of a stack, as the stack ends. A secret is known by the end of it, which is never shown.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Final

import pytest

from modelpass import api_keys
from modelpass.entitlements import authorization_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path

_END: Final = 20
"""So many characters at the end of a secret tell it from all others."""
_FEWEST_DIFFERENT: Final = 5
"""An end of fewer different characters is a test's own `aaa…`, and stands in much that is no secret."""
_WORDS: Final = re.compile(rf"[A-Za-z0-9+/_.=-]{{{_END},}}")
_SHAPES: Final = {
    "an API key": re.compile(api_keys.API_KEY_PATTERN),
    "a JWT": re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
}
_ends: Final[dict[str, str]] = {}
_texts: Final[dict[str, str]] = {}
_escaped: Final[dict[str, str]] = {}


def keep(kind: str, secret: str) -> None:
    """Look for a secret from now on."""
    end = secret.rstrip("=")[-_END:]
    if "\\x" in secret:
        _escaped[secret] = kind
    elif len(end) == _END and len(set(end)) >= _FEWEST_DIFFERENT:
        (_ends if _WORDS.fullmatch(end) else _texts)[end] = kind


def keep_bytes(kind: str, secret: bytes) -> None:
    """Look for bytes in every way they could be written."""
    for spelled in spellings(secret):
        keep(kind, spelled)


def keep_api_key(api_key: str) -> None:
    """Look for an API key and for its hash."""
    keep("an API key", api_key)
    keep_bytes("the hash of an API key", api_keys.api_key_hash(api_key))


def keep_authorization_id(authorization_id: str) -> None:
    """Look for an authorization id."""
    keep("an authorization id", authorization_id)


@cache
def keep_deployment_key(secret: bytes) -> None:
    """Look for a deployment key."""
    keep("a deployment key", secret.decode())
    keep_bytes("a deployment key", secret)


def spellings(secret: bytes) -> set[str]:
    """How bytes could stand in a log."""
    shown = repr(secret)[2:-1]
    return {
        secret.hex(),
        shown,
        json.dumps(shown)[1:-1],
        base64.b64encode(secret).decode().rstrip("="),
        base64.urlsafe_b64encode(secret).decode().rstrip("="),
    }


def found(text: str) -> list[str]:
    """What kinds of secrets a text holds."""
    kinds = {kind for kind, shape in _SHAPES.items() if shape.search(text)}
    for word in _WORDS.findall(text):
        starts = range(len(word) - _END + 1)
        kinds |= {_ends[end] for end in (word[n : n + _END] for n in starts) if end in _ends}
    for known in (_texts, _escaped if "\\x" in text else {}):
        kinds |= {kind for end, kind in known.items() if end in text}
    return sorted(kinds)


def look_through(output: str, text: str) -> None:
    """Fail when an output holds a secret."""
    kinds = found(text)
    assert not kinds, f"{output} shows {' and '.join(kinds)}"


@contextlib.contextmanager
def looking_through_log(folder: Path) -> Iterator[None]:
    """Fail when the functions of a stack have logged a secret; it runs in between, and keeps its log in a folder."""
    log = folder / "functions.log"
    since = log.stat().st_size if log.is_file() else 0
    yield
    if log.is_file():
        look_through(log.name, log.read_bytes()[since:].decode(errors="replace"))


def keep_bearer(authorization: str | None) -> None:
    """Look for the token or the API key of an `Authorization` header."""
    borne = (authorization or "").removeprefix("Bearer ")
    keep("an API key" if borne.startswith(api_keys.API_KEY_PREFIX) else "a JWT", borne)


def keep_environment(environment: Mapping[str, str]) -> None:
    """Look for the deployment keys that a function is given."""
    for name in ("DEPLOYMENT_KEY", "DEPLOYMENT_KEYS_ACCEPTED"):
        for secret in environment.get(name, "").split():
            keep_deployment_key(secret.encode())


def keep_answer(answer: object) -> None:
    """Look for what an answer hands out, be it the router's, the body over HTTP, or the result around that body."""
    handed_out = answer if isinstance(answer, dict) else {}
    if isinstance(handed_out.get("body"), str) and '"apiKey"' in handed_out["body"]:
        handed_out = json.loads(handed_out["body"])
    if isinstance(handed_out.get("apiKey"), str):
        keep_api_key(handed_out["apiKey"])
    if isinstance(handed_out.get("authorizationId"), str):
        keep_authorization_id(handed_out["authorizationId"])


def watch() -> None:
    """Keep every API key and authorization id that this process issues, and the keys they are signed with."""
    for module, name, keep_made in (
        (api_keys, "issue_api_key", keep_api_key),
        (authorization_ids, "issue_authorization_id", keep_authorization_id),
    ):
        setattr(module, name, _keeping(getattr(module, name), keep_made))


def _keeping(issue: Callable[..., str], keep_made: Callable[[str], None]) -> Callable[..., str]:
    @wraps(issue)
    def issue_and_keep(*given: Any) -> str:
        made = issue(*given)
        keep_made(made)
        for secret in given[-1].secrets:
            keep_deployment_key(secret)
        return made

    return issue_and_keep


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose output holds a secret, once all of it is there."""
    report = yield
    if call.when == "teardown" and report.passed:
        kinds = sorted({kind for _, text in report.sections for kind in found(text)})
        if kinds:
            report.outcome = "failed"
            report.longrepr = f"The output of the test shows {' and '.join(kinds)}."
    return report
