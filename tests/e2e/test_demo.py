"""The demo as a person runs it. Rule: it shows as done only what was answered right, and its status says if all was."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from local.demo.life import Life
from local.demo.narrator import Narrator, WrongAnswerError
from local.demo.router import Router
from local.demo.story import Story
from local.machine import HOST, ROOT, free_port
from local.token import token_of
from ops.api_client import Http
from tests.support import leaks
from tests.support.stack import command, jwt_of, run_to_end, state_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Stack

OPERATOR = {"sub": "operator", "scope": "operator"}
CHAPTERS = 19
INTERRUPTED = 130
TOLD = (
    "active_subscription_exists",
    "the same grant, counted once",
    "settled",
    "tier_not_included",
    "model_not_included",
    "invalid_api_key",
    "monthly_cap_reached",
    "daily_call_limit_reached",
    "subscription_expired",
    "term 2",
    "from zero",
    "and then on by itself",
    "GET /v1/key/models",
    "extend → 200",
    "8,000,000 tokens at once",
    "top-ups → 201",
    "subscription_suspended",
    "given back",
    "DELETE …/key → 204",
    "no job had to run",
    "every sale, with its price",
    "the look is logged",
)
COLOUR = "\033["


def demo(port: int) -> subprocess.CompletedProcess[str]:
    return run_to_end(ROOT, "local", "demo", PORT=str(port))


def assert_told(told: str) -> None:
    assert len(re.findall(r"^\d+\. ", told, re.MULTILINE)) == CHAPTERS
    assert [words for words in TOLD if words not in told] == []
    assert "✗" not in told


def test_against_a_running_stack_the_story_is_told_again_and_again(stack: Stack) -> None:
    before = stack.now()
    for _ in ("once", "again"):
        played = demo(stack.port)
        assert (played.returncode, played.stderr) == (0, "")
        assert COLOUR not in played.stdout
        assert f"http://{HOST}:{stack.port} (the one that was running)" in played.stdout
        assert_told(played.stdout)
        assert stack.now() > before
        before = stack.now()
        assert f"now stands at {before}" in played.stdout


def test_from_the_last_day_of_a_month_the_story_is_the_same(stack: Stack) -> None:
    year = int(stack.now()[:4]) + 1
    stack.move_clock(now=f"{year}-01-31T23:59:59.999Z")
    told = io.StringIO()
    teller, router = Narrator(told), Router(stack.url)
    Story(Http(stack.url, jwt_of("acct_january")), router, teller).tell()
    stack.move_clock(now=f"{year + 1}-01-31T23:59:59.999Z")
    of_account, operators = Http(stack.url, jwt_of("acct_life")), Http(stack.url, token_of(OPERATOR))
    Life(of_account, router, teller, account="acct_life", operators=operators).tell()
    assert_told(told.getvalue())


def test_without_a_running_stack_the_demo_brings_its_own() -> None:
    port = free_port()
    played = demo(port)
    assert (played.returncode, played.stderr) == (0, "")
    assert "started for this story" in played.stdout
    assert_told(played.stdout)


def test_a_port_that_never_answers_is_no_stack() -> None:
    with socket.create_server((HOST, 0)) as silent:
        assert "started for this story" in shown_at_first(silent.getsockname()[1], until="Stack ")


def test_on_a_terminal_it_is_coloured(stack: Stack) -> None:
    assert COLOUR in shown_at_first(stack.port, until=COLOUR)


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colours_gets_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    coloured = Terminal()
    Narrator(coloured).happened("it")
    monkeypatch.setenv(name, value)
    plain = Terminal()
    Narrator(plain).happened("it")
    assert coloured.getvalue() == "  \033[32m✓\033[0m it\n"
    assert plain.getvalue() == "  ✓ it\n"


def shown_at_first(port: int, *, until: str) -> str:
    """What a terminal shows until this comes, with what comes beside it; then the story is interrupted by Ctrl-C."""
    line, base = command()
    base.pop("NO_COLOR", None)
    leader, follower = pty.openpty()
    settings = {**base, "PORT": str(port), "TERM": "xterm"}
    shown, interrupted = bytearray(), False
    with leaks.looking_through_log(state_folder({})):
        process = subprocess.Popen(
            [*line[:-1], "demo"], cwd=ROOT, env=settings, stdin=follower, stdout=follower, stderr=follower
        )
        os.close(follower)
        with contextlib.suppress(OSError):  # how a terminal says that its last writer is gone
            while part := os.read(leader, 65_536):
                shown += part
                if until.encode() in shown and not interrupted:
                    interrupted = True
                    process.send_signal(signal.SIGINT)
        os.close(leader)
        assert process.wait() == INTERRUPTED, shown.decode()
    return shown.decode()


class Liar(BaseHTTPRequestHandler):
    """Passes everything on to a stack and changes one answer on its way back."""

    behind: ClassVar[str]
    lie: ClassVar[Callable[[str, Any], Any]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "content-length")}
        request = Request(self.behind + self.path, body, kept, method=self.command)  # noqa: S310
        try:
            with urlopen(request) as response:  # noqa: S310
                status, raw = response.status, response.read()
        except HTTPError as error:
            with error:
                status, raw = error.code, error.read()
        raw = json.dumps(type(self).lie(self.path, json.loads(raw))).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def lying(behind: Stack, lie: Callable[[str, Any], Any]) -> Iterator[int]:
    handler = type("ThisLiar", (Liar,), {"behind": behind.url, "lie": staticmethod(lie)})
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def changed(path_part: str, *names: str, to: Any) -> Callable[[str, Any], Any]:
    """A lie: the answers whose path holds this text have another value there."""

    def lie(path: str, answer: Any) -> Any:
        if path_part in path and isinstance(answer, dict):
            inner = answer
            for name in names[:-1]:
                inner = inner.get(name, {})
            if names[-1] in inner:
                inner[names[-1]] = to
        return answer

    return lie


LIES = {
    "a figure": (changed("Authorize", "monthly", "held", to=4001), "monthly.held: expected 4000, came 4001"),
    "a code": (changed("Authorize", "error", "code", to="other"), 'error.code: expected "request_in_progress"'),
    "no error": (changed("Authorize", "error", to=None), "error: expected"),
    "a hint": (changed("Authorize", "retryAfter", to=7), "retryAfter: expected"),
    "a replay": (changed("Settle", "replayed", to=False), "replayed: expected true, came false"),
    "a settle": (changed("Settle", "late", to=True), "late: expected false, came true"),
    "a status": (changed("subscriptions", "status", to="odd"), 'body.status: expected "active", came "odd"'),
    "a key": (changed("subscriptions", "apiKey", to="sk-custom-old"), "Masked key"),
    "no key": (changed("subscriptions", "apiKey", to=None), "no new API key"),
    "a time": (changed("subscriptions", "expiresAt", to="2026-01-01T00:00:00Z"), "body.expiresAt: expected"),
    "a clock": (changed("clock", "now", to="yesterday"), "yesterday is no time"),
    "nothing": (lambda path, answer: answer if path == "/health" else None, "body: expected"),
    "a list": (lambda path, answer: answer if "Authorize" not in path else [answer], "expected {"),
}


@pytest.mark.parametrize("case", LIES)
def test_an_answer_that_is_wrong_ends_the_story_with_what_was_expected_and_what_came(stack: Stack, case: str) -> None:
    lie, told = LIES[case]
    account = f"acct_told_{case}"
    with lying(stack, lie) as port:
        url = f"http://{HOST}:{port}"
        story = Story(Http(url, jwt_of(account)), Router(url), Narrator(io.StringIO()))
        with pytest.raises(WrongAnswerError) as wrong:
            story.tell()
    assert told in str(wrong.value)


def test_a_wrong_answer_is_told_and_the_status_is_1(stack: Stack) -> None:
    lie, told = LIES["a figure"]
    with lying(stack, lie) as port:
        played = demo(port)
    assert (played.returncode, played.stderr) == (1, "")
    assert "  ✗ First request: the answer is not as the contract says.\n" in played.stdout
    assert told in played.stdout
    assert "Every step was answered" not in played.stdout
