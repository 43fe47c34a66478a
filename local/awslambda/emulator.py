"""Built functions in Lambda's own runtime, without Docker. Rule: they get what build and template give.

`EmulatedRuntime` is one of the pool's runtimes. AWS's Runtime Interface Emulator, which the SAM CLI ships, starts the
function, hands it invocations and ends those that outlast their timeout; AWS's runtime client loads the handler. One
emulator stands for one execution environment: a second invocation at the same time would break it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import platform
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from deploy import artifact
from local.awslambda.forge import SPAWNER
from local.awslambda.pool import FunctionError, died, timed_out
from local.machine import HOST, ROOT, die_with_parent, free_port, stop
from ops.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from local.awslambda.pool import Json
    from local.cloudformation.template import Function

INVOKE: Final = "/2015-03-31/functions/function/invocations"
BOOTSTRAP: Final = ROOT / "local" / "awslambda" / "bootstrap.py"
_EMULATORS: Final = ".tools/sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"
_CLIENTS: Final = ".tools/lambda-python"
_START_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.005
_PATIENCE_SECONDS: Final = 30  # for an emulator that hangs; a function's timeout it ends itself
_PORTS_TRIED: Final = 5


@dataclass(frozen=True, slots=True)
class Tools:
    """What a function runs in: the emulator, a Python of the functions' version, and the runtime client for it."""

    emulator: Path
    python: str
    client: Path


def tools(version: str) -> Tools:
    """The tools for a version of Python; raises `CommandError` where this machine lacks one."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise CommandError("Lambda's runtime is emulated on Linux x86-64 only.")
    emulator = next(iter(ROOT.glob(_EMULATORS)), None)
    client = ROOT / f"{_CLIENTS}{version}"
    python = artifact.python_of(version)
    if emulator is None or python is None or not client.is_dir():
        raise CommandError("Lambda's runtime is not set up: run `make lambda-runtime`.")
    return Tools(emulator, python, client)


class EmulatedRuntime:
    """One execution environment with one built function; it loads the function when it is first invoked."""

    def __init__(self, function: Function, settings: dict[str, str], log: IO[bytes], with_tools: Tools) -> None:
        self._function = function
        self._clock = tempfile.NamedTemporaryFile(prefix="modelpass-clock-")  # noqa: SIM115 - closed by stop()
        self._frozen_ms: int | None = None
        self._environment = {**settings, **_environment(function, with_tools.client)}
        self._tools = with_tools
        self._log = log
        self._start()

    def _start(self) -> None:
        self._port = free_port()
        addresses = {"interface-emulator": self._port, "api": free_port()}
        command = [str(self._tools.emulator)]
        for name, port in addresses.items():
            command += [f"--runtime-{name}-address", f"{HOST}:{port}"]
        command += [self._tools.python, str(BOOTSTRAP), self._clock.name, self._function.handler]
        self._process = SPAWNER.submit(
            subprocess.Popen,
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=self._environment,
            cwd=self._function.folder,
            start_new_session=True,
            preexec_fn=die_with_parent,
        ).result()

    def wait_ready(self) -> None:
        """Wait until the emulator listens; raises `FunctionError` when it never does."""
        for _ in range(_PORTS_TRIED):
            if self._listens():
                return
            self._end()
            self._start()  # somebody else took a port in between
        self.stop()
        raise FunctionError(died(self._function.name))

    def _listens(self) -> bool:
        ends = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self._port), timeout=1):
                return self._process.poll() is None
            time.sleep(_PAUSE_SECONDS)
        return False

    def invoke(self, invocation: Json) -> Any:
        """Run the handler once; raises `FunctionError` when it fails, outlasts its timeout or dies."""
        self._set_clock(invocation["nowMs"])
        connection = http.client.HTTPConnection(
            HOST, self._port, timeout=_PATIENCE_SECONDS + invocation["timeoutSeconds"]
        )
        try:
            connection.request("POST", INVOKE, json.dumps(invocation["event"]).encode())
            response = connection.getresponse()
            status, raw = response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.stop()
            raise FunctionError(died(self._function.name)) from None
        finally:
            connection.close()
        return self._result(status, raw)

    def _result(self, status: int, raw: bytes) -> Any:
        try:
            result = json.loads(raw)
        except ValueError:  # a sentence in place of a result: the emulator has ended the function
            raise FunctionError(timed_out(self._function.timeout_seconds)) from None
        if status != http.client.OK or (isinstance(result, dict) and {"errorType", "errorMessage"} <= result.keys()):
            raise FunctionError(result)
        return result

    def _set_clock(self, now_ms: int | None) -> None:
        if now_ms != self._frozen_ms:
            self._frozen_ms = now_ms
            self._clock.truncate(0)
            self._clock.seek(0)
            self._clock.write(b"" if now_ms is None else str(now_ms).encode())
            self._clock.flush()

    @property
    def pid(self) -> int:
        """The emulator's process; the function's is its child."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the emulator runs; it starts the function anew by itself."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the emulator and the function in it."""
        self._end()
        self._clock.close()

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        stop(self._process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # whoever is left of the function


def _environment(function: Function, client: Path) -> dict[str, str]:
    """What the template gives, and what Lambda sets by itself."""
    return {
        **function.environment,
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(function.folder),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "PYTHONPATH": os.pathsep.join([*map(str, function.layers), str(client)]),
    }
