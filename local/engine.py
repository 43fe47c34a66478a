"""The DynamoDB engine: dynoxide on a free loopback port. Rule: whoever starts it stops it, however they end."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

from local.problems import StartError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST: Final = "127.0.0.1"
ROOT: Final = Path(__file__).resolve().parent.parent
_PACKAGES: Final = {("Linux", "x86_64"): "linux-x64"}
_FILE: Final = "modelpass.db"
_START_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.01
_STOP_SECONDS: Final = 5.0
_PR_SET_PDEATHSIG: Final = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if platform.system() == "Linux" else None


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def die_with_parent() -> None:
    """Run in a child before it starts: no orphan remains even when the parent is killed."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def binary(modules: Path = ROOT / "node_modules") -> Path:
    """The engine's program; raises `StartError` where npm has not brought it."""
    package = _PACKAGES.get((platform.system(), platform.machine()))
    if package is None:
        raise StartError(
            "The engine has no package for this platform: set AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB of your own."
        )
    path = modules / "@dynoxide" / package / "dynoxide"
    if not path.is_file():
        raise StartError("The DynamoDB engine is missing: run `make setup` (it needs npm).")
    return path


@contextlib.contextmanager
def running(
    data: Path | None = None, modules: Path = ROOT / "node_modules", port: int | None = None, host: str = HOST
) -> Iterator[str]:
    """Start the engine, in memory or on `data/modelpass.db`, and give its URL while it runs."""
    port = port or free_port()
    command = [str(binary(modules)), "--host", host, "--port", str(port)]
    if data is not None:
        command += ["--db-path", str(data / _FILE)]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the stack, which stops the engine last
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
    except OSError as error:
        raise StartError(f"The DynamoDB engine does not start: {error.strerror}.") from None
    try:
        url = f"http://{host}:{port}"
        _wait(process, url, f": {data / _FILE} may be damaged" if data else "")
        yield url
    finally:
        stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a child: ask, wait, then kill."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[Any], url: str, hint: str) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise StartError(f"The DynamoDB engine stopped at once (status {process.returncode}){hint}.")
        try:
            with urlopen(url, timeout=1):  # noqa: S310
                return
        except OSError as error:
            if getattr(error, "code", None) is not None:
                return  # it answers, if with an error: it is there
            time.sleep(_PAUSE_SECONDS)
    raise StartError("The DynamoDB engine does not answer.")
