"""The DynamoDB engine: dynoxide on a free loopback port. Rule: it ends with whoever started it, however they end."""

from __future__ import annotations

import contextlib
import platform
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

from local.machine import HOST, ROOT, die_with_parent, free_port, stop
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
_PACKAGES: Final = {("Linux", "x86_64"): "linux-x64"}
_FILE: Final = "modelpass.db"
_START_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.01


def binary(modules: Path = ROOT / "node_modules") -> Path:
    """The engine's program; raises `CommandError` where npm has not brought it."""
    package = _PACKAGES.get((platform.system(), platform.machine()))
    if package is None:
        raise CommandError(
            "The engine has no package for this platform: set AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB of your own."
        )
    path = modules / "@dynoxide" / package / "dynoxide"
    if not path.is_file():
        raise CommandError("The DynamoDB engine is missing: run `make setup` (it needs npm).")
    return path


@contextlib.contextmanager
def running(
    data: Path | None = None, modules: Path = ROOT / "node_modules", port: int | None = None, host: str = HOST
) -> Iterator[str]:
    """Start the engine, in memory or on `data/modelpass.db`, and give its URL while it runs; raises `CommandError`."""
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
            start_new_session=True,  # Ctrl-C reaches the stack alone, which stops the engine last
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
    except OSError as error:
        raise CommandError(f"The DynamoDB engine does not start: {error.strerror}.") from None
    try:
        url = f"http://{host}:{port}"
        _wait(process, url, f": {data / _FILE} may be damaged" if data else "")
        yield url
    finally:
        stop(process)


def _wait(process: subprocess.Popen[Any], url: str, hint: str) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise CommandError(f"The DynamoDB engine stopped at once (status {process.returncode}){hint}.")
        try:
            with urlopen(url, timeout=1):  # noqa: S310
                return
        except OSError as error:
            if getattr(error, "code", None) is not None:
                return  # it answers, if with an error: it is there
            time.sleep(_PAUSE_SECONDS)
    raise CommandError("The DynamoDB engine does not answer.")
