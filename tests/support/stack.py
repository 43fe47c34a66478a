"""The local stack in a process of its own, as `make run` starts it. Rule: who starts it stops it, and leaves nothing.

It is driven from outside only: bytes over HTTP, and `lambda.invoke` with boto3.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local import settings, token
from local.apigateway import jwts
from local.cloudformation.template import REGION
from local.machine import HOST, ROOT, free_port
from local.settings import SECRETS_FILE
from tests.support import documented, leaks
from tests.support.http_answers import HttpAnswer
from tests.support.permitted import ASKED

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
END_SECONDS = 300
"""How long a command may take on a machine that has much else to do."""
STOP_SECONDS = 20
PURCHASE_BODY: Json = json.loads((ROOT / "events" / "purchase-body.json").read_text("utf-8"))
TEXT_MODEL, IMAGE_MODEL = (m["modelId"] for m in PURCHASE_BODY["models"])


class Answer(HttpAnswer[bytes]):
    """What came back over HTTP; header names in lower case."""

    __slots__ = ()

    @property
    def error(self) -> Any:
        return self.json["error"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Speaks to a stack at a port, as customers and routers do."""

    port: int
    lambda_client: Any = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Send one request as it is; header values may hold any bytes. The answer must be as the document says."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        with contextlib.closing(connection):
            raw = {name: value.encode() for name, value in (headers or {}).items()}
            connection.request(method, path, body, raw)
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, lower, response.read())
        documented.check(documented.kept().route_of(method, path), answer.status, answer.headers, answer.body)
        leaks.keep_bearer((headers or {}).get("Authorization"))
        if b'"apiKey"' in answer.body and lower.get("content-type") == "application/json":
            leaks.keep_answer(answer.json)
        return answer

    def api(self, method: str, path: str, account: str, body: object = None, **headers: str) -> Answer:
        """Send a JSON request of an account; `_` in header names stands for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = None if body is None else json.dumps(body).encode()
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        return self.send(method, path, raw, {"Authorization": f"Bearer {jwt_of(account)}", **sent})

    def buy(self, account: str, body: Json = PURCHASE_BODY, **headers: str) -> Json:
        answer = self.api("POST", "/v1/subscriptions", account, body, **headers)
        assert answer.status == 201, answer
        bought: Json = answer.json
        return bought

    def usage(self, account: str, subscription_id: str) -> Json:
        answer = self.api("GET", f"/v1/subscriptions/{subscription_id}/usage", account)
        assert answer.status == 200, answer
        usage: Json = answer.json
        return usage

    def invoke(self, function: str, payload: object) -> Json:
        """The result of a function that did not fail."""
        result, failure = self.invoke_raw(function, json.dumps(payload).encode())
        assert failure is None, result
        answer: Json = result
        return answer

    def invoke_raw(self, function: str, payload: bytes) -> tuple[Any, str | None]:
        """The result of a function and what kind of error it is, None when it is none."""
        response = self.lambda_client.invoke(FunctionName=function, Payload=payload)
        answer = json.loads(response["Payload"].read())
        leaks.keep_answer(answer)
        return answer, response.get("FunctionError")

    def authorize(self, api_key: str, request_id: str, estimate: int = 10, **more: Any) -> Json:
        payload = {"apiKey": api_key, "modelId": TEXT_MODEL, "requestId": request_id, "estimatedUsage": estimate}
        return self.invoke("AuthorizeFunction", {**payload, **more})

    def describe_key(self, api_key: str) -> Json:
        """What a key is good for."""
        return self.invoke("DescribeKeyFunction", {"apiKey": api_key})

    def settle(self, authorization_id: str, used: int, **more: Any) -> Json:
        return self.invoke("SettleFunction", {"authorizationId": authorization_id, "actualUsage": used, **more})

    def now(self) -> str:
        now: str = self.send("GET", "/_local/clock").json["now"]
        return now

    def move_clock(self, **to: object) -> str:
        answer = self.send("PUT", "/_local/clock", json.dumps(to).encode())
        assert answer.status == 200, answer
        now: str = answer.json["now"]
        return now


@dataclass(frozen=True, slots=True)
class Stack(Caller):
    """A stack that this test run started."""

    process: subprocess.Popen[bytes]

    def note_permissions(self) -> None:
        """Keep what the functions asked the store for, whether they had it or not."""
        answer = self.send("GET", "/_local/permissions")
        shown = answer.json if answer.status == 200 else {}  # a store that checks credentials asks by itself
        ASKED.update(
            (name, row["resource"], row["action"]) for name, rows in shown.items() for row in rows if row["asked"]
        )

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End it by a signal: its exit status and its standard error. Fails when a process of it is left."""
        family = [self.process.pid, *descendants(self.process.pid)]
        self.process.send_signal(how)
        status = self.process.wait(STOP_SECONDS)
        assert self.process.stderr is not None
        errors = self.process.stderr.read().decode()  # ends when the last holder of the pipe is gone
        leaks.look_through("Standard error", errors)
        left = [pid for pid in family if alive(pid)]
        deadline = time.monotonic() + 2  # the kernel reaps what was killed with its parent
        while left and time.monotonic() < deadline:
            left = [pid for pid in left if alive(pid)]
        assert not left, [command_of(pid) for pid in left]
        return status, errors


def client(port: int) -> Any:
    """A boto3 Lambda client for a stack; its own retries are off, so that nothing is hidden."""
    return boto3.client(
        "lambda",
        endpoint_url=f"http://{HOST}:{port}",
        region_name=REGION,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=64, read_timeout=60),
    )


def command(root: Path = ROOT) -> tuple[list[str], Json]:
    """How the Makefile runs the stack, and in what environment."""
    chosen = ["PORT", "DATA", "PARAMETERS", "ROUTER_URL", "AWS_ENDPOINT_URL_DYNAMODB"]
    if "AWS_ENDPOINT_URL_DYNAMODB" not in os.environ:
        chosen += ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]  # for another store than ours
    environment = {k: v for k, v in os.environ.items() if k not in chosen}
    environment |= {"PYTHONPATH": str(root / "layers" / "modelpass"), "PYTHONTZPATH": ""}
    return [sys.executable, "-m", "local", "run"], environment


@contextlib.contextmanager
def running(**settings_given: str) -> Iterator[Stack]:
    """A stack on a free port, ready; ended in the end if it still runs."""
    port = free_port()
    line, environment = command()
    process = subprocess.Popen(
        line,
        cwd=ROOT,
        env={**environment, "PORT": str(port), **settings_given},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    stack = Stack(port, client(port), process)
    with leaks.looking_through_log(state_folder(settings_given)):
        try:
            wait_until_ready(stack)
            if "DATA" in settings_given:
                keep_deployment_keys(Path(settings_given["DATA"]))
            yield stack
        finally:
            if process.poll() is None:
                stack.end()
            for stream in (process.stdout, process.stderr):
                assert isinstance(stream, io.BufferedReader)
                stream.close()
            stack.lambda_client.close()


def state_folder(settings_given: dict[str, str], root: Path = ROOT) -> Path:
    """Where a stack keeps its log."""
    return Path(settings_given["DATA"]) if "DATA" in settings_given else root / ".local"


def keep_deployment_keys(folder: Path) -> None:
    """Look for the deployment keys of a stack that keeps its data in a folder; of any other nobody learns them."""
    for secret in json.loads((folder / SECRETS_FILE).read_text("utf-8")).values():
        for key in secret.values():
            if key:
                leaks.keep_deployment_key(str(key).encode())


def wait_until_ready(stack: Stack) -> None:
    """Its welcome on standard output is the sign: it comes once everything answers."""
    assert stack.process.stdout is not None
    first = stack.process.stdout.readline()
    if first != b"Modelpass is ready.\n":
        stack.process.kill()
        assert stack.process.stderr is not None
        raise AssertionError(stack.process.stderr.read().decode())
    assert stack.send("GET", "/health").status == 200


def run_to_end(root: Path = ROOT, *words: str, **settings_given: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself, such as `ops seed`, with its output; without words, the stack."""
    line, environment = command(root)
    with leaks.looking_through_log(state_folder(settings_given, root)):
        return subprocess.run(
            [sys.executable, "-m", *words] if words else line,
            cwd=root,
            env={**environment, **settings_given},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=END_SECONDS,
            check=False,
        )


_JWTS: dict[str, str] = {}


def jwt_of(account: str, scope: str = "") -> str:
    """A token as `make token` prints it; signed in this process, which is faster."""
    given = {"scope": scope} if scope else {}
    if scope not in _JWTS:
        _JWTS[scope] = token.token_of({"sub": "", **given})
    name = f"{scope} {account}"
    if name not in _JWTS:
        shown, claims = claims_of(_JWTS[scope]), {"sub": account, **given}
        _JWTS[name] = jwts.issue(jwts.signing_key(settings.key_folder()), claims, shown["iss"], shown["aud"])
        leaks.keep_bearer(_JWTS[name])
    return _JWTS[name]


def jwt_with(claims: Json) -> str:
    """A token as `make token` prints it for these claims, `sub` among them; what they say of the token comes first."""
    shown = claims_of(jwt_of(claims["sub"], claims.get("scope", "")))
    signed = jwts.issue(jwts.signing_key(settings.key_folder()), claims, shown["iss"], shown["aud"])
    leaks.keep_bearer(signed)
    return signed


def claims_of(jwt: str) -> Json:
    part = jwt.split(".")[1]
    claims: Json = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those started by them."""
    children = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        children += [int(child) for child in listed.read_text().split()]
    return children + [grandchild for child in children for grandchild in descendants(child)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not asked for its status does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return str(pid)
