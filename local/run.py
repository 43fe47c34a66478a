"""`make run`: starts every part of the local stack on loopback, and stops it on Ctrl-C. Rule: only joins parts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from local import settings
from local.apigateway import jwts
from local.awslambda import emulator
from local.awslambda.emulator import EmulatedRuntime
from local.awslambda.forge import Forge
from local.awslambda.pool import FunctionError, Pool, Runtime
from local.cloudformation import parameters, template
from local.dynamodb import engine, provisioning
from local.eventbridge.feed import Feed
from local.iam import gate, policies
from local.machine import HOST
from local.stack import Stack
from local.web import server
from modelpass import schema
from modelpass.runtime import config
from ops import catalogue_file, upgrade
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from local.awslambda.pool import Startable
    from modelpass.schema import Tables

_LOG_FILE = "functions.log"


@contextlib.contextmanager
def started(port: int, template_file: Path) -> Iterator[Stack]:
    """The whole stack, ready to answer on `port`; raises `CommandError` when it cannot start."""
    server.require_free(port)
    expanded = template.load(template_file, settings.parameters())
    state = settings.state_folder()
    given = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")
    data = settings.data_folder()
    with contextlib.ExitStack() as cleanup:
        if data is not None:
            cleanup.enter_context(settings.claimed(data))
        key = jwts.signing_key(settings.key_folder())
        secret = settings.deployment_secrets(state, expanded, keep=bool(given or data))
        log = cleanup.enter_context(_open_log(state / _LOG_FILE))
        endpoint = given or cleanup.enter_context(engine.running(data))
        # A DynamoDB of the user's own that checks credentials checks permissions as well.
        guard = None if given and provisioning.credentials_are_given() else _gate(expanded, log)
        store = endpoint if guard is None else cleanup.enter_context(gate.running(guard, endpoint))
        parameters.reach(expanded, store)
        read = template.read(expanded, settings.code_folder(), secret)
        feed = Feed(provisioning.client(endpoint), provisioning.client(endpoint, "dynamodbstreams"), read.pipe)
        stack = Stack(read, {}, key, feed, endpoint, guard)
        runtime = _runtimes(cleanup)
        cleanup.callback(stack.stop)
        for function in read.functions.values():
            stack.pools[function.name] = Pool(
                function, partial(runtime, function, surroundings(function.name if guard else None, port), log)
            )
        http = server.HttpServer(stack, port)
        cleanup.callback(http.stop)
        cleanup.callback(stack.stopping.set)  # ends the streams of events before the server waits for its requests
        prepare(endpoint, read, kept=data is not None)
        _wait_ready(stack)
        http.start()
        stack.start_schedules()
        yield stack


def _runtimes(
    cleanup: contextlib.ExitStack,
) -> Callable[[template.Function, dict[str, str], IO[bytes]], Startable]:
    """What runs the functions: a process for the sources, Lambda's runtime for a build."""
    if settings.artifacts() is None:
        forge = Forge()
        cleanup.callback(forge.stop)
        return partial(Runtime, forge=forge)
    return partial(EmulatedRuntime, with_tools=emulator.tools(settings.lambda_python()))


def _open_log(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        raise CommandError(f"The functions' log cannot be kept: {error}.") from None


def _gate(expanded: dict[str, Any], log: IO[bytes]) -> gate.Gate:
    def log_problem(problem: str) -> None:
        log.write(json.dumps({"level": "ERROR", "location": "local.iam.gate", "message": problem}).encode() + b"\n")
        log.flush()

    return gate.Gate(policies.of_functions(expanded), log_problem)


def surroundings(known_as: str | None = None, port: int | None = None) -> dict[str, str]:
    """What Lambda adds to a function's environment; the gate knows a function by its key id.

    A function that invokes others finds the Invoke API of this stack at `port`.
    """
    invoked = {} if port is None else {"AWS_ENDPOINT_URL_LAMBDA": f"http://{HOST}:{port}"}
    named = {} if known_as is None else {**provisioning.CREDENTIALS, "AWS_ACCESS_KEY_ID": known_as}
    return {
        "AWS_REGION": template.REGION,
        "AWS_DEFAULT_REGION": template.REGION,
        **(named or provisioning.credentials()),
        **invoked,
        "PATH": os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
    }


def prepare(endpoint: str, read: template.Template, *, kept: bool) -> None:
    """Make the tables and fill the catalogue; what was `kept` is brought to the newest schema version."""
    try:
        dynamodb = provisioning.client(endpoint)
        provisioning.create_tables(dynamodb, read)
        tables = _tables(read)
        if kept and tables.version == schema.NEWEST:
            upgrade.everything(dynamodb, tables)
        provisioning.seed_catalogue(dynamodb, tables.catalogue, catalogue_file.PATH, tables.version)
    except CommandError:
        raise
    except Exception as error:
        raise CommandError(f"The tables cannot be made at {endpoint}: {error}") from None


def _tables(read: template.Template) -> Tables:
    """The tables that the functions are told of; raises `CommandError` when there is no catalogue among them."""
    tables = config.tables(read.environment())
    if not tables.catalogue:
        raise CommandError("The template tells no function of a CATALOGUE_TABLE.")
    return tables


def _wait_ready(stack: Stack) -> None:
    for name, pool in stack.pools.items():
        try:
            pool.wait_ready()
        except FunctionError:
            log = settings.state_folder() / _LOG_FILE
            raise CommandError(f"{name} does not start; {log} says why.") from None


def _welcome(port: int, out: IO[str]) -> None:
    url = f"http://{HOST}:{port}"
    out.write(f"""Modelpass is ready.

  Console                          {url}/
  HTTP API and Lambda Invoke API   {url}
  API reference                    {url}/docs
  Function logs                    {settings.state_folder() / _LOG_FILE}

Open the console and sign in: any account will do, such as acct_demo, and there is no password. Operators have a
sign-in of their own there.

Buy a subscription without it:

  TOKEN=$(make -s token ACCOUNT=acct_demo)
  curl -s {url}/v1/subscriptions -H "Authorization: Bearer $TOKEN" \\
    -H "Content-Type: application/json" -d @events/purchase-body.json

Ask for a request, as the router does, with the apiKey of the answer:

  curl -s {url}/2015-03-31/functions/AuthorizeFunction/invocations -d '{{"apiKey": "sk-custom-…",
    "modelId": "claude-opus-4-6", "requestId": "request-1", "attempt": "1", "estimatedUsage": 4000}}'

Hear what other systems are told:            curl -N -H "Accept: text/event-stream" {url}/_local/events
See the whole story (in another terminal):   PORT={port} make demo
Stop everything:                             Ctrl-C
""")
    out.flush()


def main() -> int:
    """Run until SIGINT or SIGTERM; 0 then, 1 when the stack cannot start."""
    stop = threading.Event()

    def on_signal(_: int, __: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        port = settings.port()
        with started(port, settings.template_file()):
            _welcome(port, sys.stdout)
            stop.wait()
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
