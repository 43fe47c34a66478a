"""Processes that stand for Lambda's execution environments. Rule: one invocation at a time each, and a bounded number.

An invocation that outlasts its function's timeout ends its process, as in Lambda; the next gets a new one. A pool knows
its runtimes as `Startable`: `Runtime` runs the sources in a process, `local.awslambda.emulator` a build.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from local.awslambda.process import receive_frame, send_frame
from local.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.awslambda.forge import Forge
    from local.cloudformation.template import Function

MAX_RUNTIMES: Final = 4
"""The most runtimes of one function."""

Json = dict[str, Any]


class FunctionError(Exception):
    """The function failed, timed out or died; `report` is what Lambda reports of it."""

    def __init__(self, report: Json) -> None:
        super().__init__(report["errorType"])
        self.report = report


class Runtime:
    """One child process with one function loaded."""

    def __init__(self, function: Function, settings: dict[str, str], log: IO[bytes], forge: Forge) -> None:
        environment = {
            **settings,
            **function.environment,
            "_HANDLER": function.handler,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        }
        folder = str(function.folder)
        stdin, ours = os.pipe()
        replies, answers = os.pipe()
        self._invocations = os.fdopen(ours, "wb")
        self._replies = os.fdopen(replies, "rb")
        self._forge = forge
        self._function = function
        self._ending = threading.Lock()
        self._ended = False
        try:
            self._pid = forge.fork(
                environment, folder, [folder, *map(str, function.layers), str(ROOT)], [stdin, log.fileno(), answers]
            )
        finally:
            os.close(stdin)
            os.close(answers)

    def wait_ready(self) -> None:
        """Wait until the handler is loaded; raises `FunctionError` when it cannot be."""
        try:
            receive_frame(self._replies)
        except EOFError:
            self.stop()
            raise FunctionError(died(self._function.name)) from None

    def invoke(self, invocation: Json) -> Any:
        """Run the handler once; raises `FunctionError` when it fails, outlasts its timeout or dies."""
        outlasted = threading.Event()

        def outlast() -> None:
            outlasted.set()
            self._end()

        timer = threading.Timer(self._function.timeout_seconds, outlast)
        timer.start()
        try:
            send_frame(self._invocations, invocation)
            reply = receive_frame(self._replies)
        except (EOFError, BrokenPipeError):
            self.stop()
            name, seconds = self._function.name, self._function.timeout_seconds
            raise FunctionError(timed_out(seconds) if outlasted.is_set() else died(name)) from None
        finally:
            timer.cancel()
        if "error" in reply:
            raise FunctionError(reply["error"])
        return reply["result"]

    @property
    def alive(self) -> bool:
        """Whether the process can take another invocation: between two, it has nothing to say but that it is gone."""
        return not self._ended and not select.select([self._replies], [], [], 0)[0]

    def stop(self) -> None:
        """End the process."""
        self._end()
        with contextlib.suppress(BrokenPipeError):
            self._invocations.close()
        self._replies.close()

    def _end(self) -> None:
        with self._ending:
            if not self._ended:
                self._ended = True
                self._forge.reap(self._pid)


class Startable(Protocol):
    """What a pool needs of a runtime."""

    def wait_ready(self) -> None:
        """Wait until it takes invocations; raises `FunctionError` when it never will."""

    def invoke(self, invocation: Json) -> Any:
        """Run the handler once; raises `FunctionError` when it fails, outlasts its timeout or dies."""

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""

    def stop(self) -> None:
        """End it."""


class Pool:
    """The runtimes of one function; the first is started at once, more when invocations wait."""

    def __init__(self, function: Function, start: Callable[[], Startable]) -> None:
        self.function = function
        self._start = start
        self._condition = threading.Condition()
        self._idle = [start()]
        self._all = set(self._idle)
        self._stopped = False

    def wait_ready(self) -> None:
        """Wait until the first runtime has loaded the function."""
        self._idle[0].wait_ready()

    def invoke(self, invocation: Json) -> Any:
        """Run the function in a runtime that is free; raises `FunctionError`."""
        runtime = self._take()
        try:
            return runtime.invoke({**invocation, "timeoutSeconds": self.function.timeout_seconds})
        finally:
            self._give_back(runtime)

    def stop(self) -> None:
        """End every runtime, and start no other."""
        with self._condition:
            self._stopped = True
            runtimes, self._all = self._all, set()
            self._idle.clear()
            self._condition.notify_all()
        for runtime in runtimes:
            runtime.stop()

    def _take(self) -> Startable:
        with self._condition:
            while not self._idle and len(self._all) >= MAX_RUNTIMES:
                self._condition.wait()
            if self._stopped:
                raise FunctionError(died(self.function.name))
            while self._idle:
                runtime = self._idle.pop()
                if runtime.alive:
                    return runtime
                self._all.discard(runtime)
            runtime = self._start()
            self._all.add(runtime)
        try:
            runtime.wait_ready()
        except FunctionError:
            self._give_back(runtime)
            raise
        return runtime

    def _give_back(self, runtime: Startable) -> None:
        with self._condition:
            if runtime.alive and runtime in self._all:
                self._idle.append(runtime)
            else:
                self._all.discard(runtime)
            self._condition.notify()


def timed_out(seconds: int) -> Json:
    """What Lambda reports of an invocation that was ended."""
    message = f"Task timed out after {seconds}.00 seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def died(name: str) -> Json:
    """What Lambda reports of a process that ended by itself."""
    return {"errorType": "Runtime.ExitError", "errorMessage": f"{name} exited; see the log"}
