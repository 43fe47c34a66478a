"""A process that has loaded the packages of others, and forks functions off itself: each then loads Modelpass alone.

Rule: nothing of Modelpass is loaded before the fork, nor is anything of the stack's environment there: what a function
sees is what it would see in a process of its own. Started once by each stack, by `Forge`; on the other side, `main`
waits for orders on a socket. An order is a byte with the descriptors that go along, and a frame.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import zoneinfo
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from local.awslambda import process
from local.awslambda.process import receive_frame, send_frame
from local.machine import ROOT, die_with_parent, stop

# A child that is to die with its parent dies with the thread that started it: this thread outlives all invocations.
SPAWNER: Final = ThreadPoolExecutor(1, "spawner")
_PACKAGES: Final = (
    "boto3",
    "aws_lambda_powertools.event_handler",
    "pydantic.fields",
    "pydantic.main",
    "pydantic.json_schema",
)
_MOST_DESCRIPTORS: Final = 3
_SURROUNDINGS: Final = {"LANG": "C.UTF-8", "PYTHONTZPATH": "", "PYTHONPATH": str(ROOT)}

Json = dict[str, Any]


class Forge:
    """This side: asks for children, and ends them. One order at a time; the process starts with the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    def fork(self, environment: dict[str, str], folder: str, paths: list[str], descriptors: list[int]) -> int:
        """Fork a function's process; its id stays its own until it is reaped.

        `paths` is where it looks for modules first; the descriptors are what it reads, writes and answers on.
        """
        order = {"environment": environment, "folder": folder, "paths": paths}
        pid: int = self._ask(order, descriptors)
        return pid

    def reap(self, pid: int) -> None:
        """End a child, and let go of its process id."""
        with contextlib.suppress(EOFError, OSError):  # the children of a forge that is gone went with it
            self._ask({"reap": pid}, [])

    def stop(self) -> None:
        """End the process, and with it its children."""
        with self._lock:
            if self._started is not None:
                started, orders = self._started
                self._started = None
                orders.close()
                stop(started)

    def _ask(self, order: Json, descriptors: list[int]) -> Any:
        with self._lock:
            if self._started is None:
                self._started = SPAWNER.submit(_start).result()
            _, orders = self._started
            socket.send_fds(orders, [b"\0"], descriptors)
            with orders.makefile("wb") as out, orders.makefile("rb") as answers:
                send_frame(out, order)
                return receive_frame(answers)


def _start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        started = subprocess.Popen(
            [sys.executable, "-m", "local.awslambda.forge", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=_SURROUNDINGS,
            cwd=ROOT,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - in the one thread of SPAWNER
        )
    return started, ours


def main() -> None:
    """Fork and reap as asked, until the other side is gone."""
    for package in _PACKAGES:
        importlib.import_module(package)
    found_last = [path for path in sys.path if path not in {"", str(ROOT)}]
    orders = socket.socket(fileno=int(sys.argv[1]))
    read, written = orders.makefile("rb"), orders.makefile("wb")
    while True:
        go, descriptors, _, _ = socket.recv_fds(orders, 1, _MOST_DESCRIPTORS)
        if not go:
            return
        order = receive_frame(read)
        pid = order.get("reap")
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        else:
            pid = os.fork()
            if pid == 0:
                for end in (read, written, orders):
                    end.close()
                _become(order, descriptors, found_last)
                return
        for descriptor in descriptors:
            os.close(descriptor)
        send_frame(written, pid)


def _become(order: Json, descriptors: list[int], found_last: list[str]) -> None:
    die_with_parent()
    os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    zoneinfo.reset_tzpath()
    sys.path[:] = [*order["paths"], *found_last]
    read, written, answers = descriptors
    for descriptor, known_as in ((read, 0), (written, 1), (written, 2)):
        os.dup2(descriptor, known_as)
    os.close(read)
    os.close(written)
    process.main(answers)


if __name__ == "__main__":
    main()
