"""`make audit` without a deployment: lets `ops.audit` check a folder of data, or the local stack that runs.

Rule: finds the tables, and leaves what must hold in them to `ops.audit`. The tables are those in the folder that `make
run DATA=…` has filled, or those of the stack at `PORT`. A deployment is audited by `python -m ops audit` alone, which
`make audit STACK=…` runs from packages of its own: this process has those of development, and should have no
credentials.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

from local import settings
from local.dynamodb import engine, provisioning
from local.machine import HOST
from modelpass.runtime import config
from modelpass.schema import Tables
from modelpass.times import instant_ms
from ops.audit import command
from ops.audit.targets import Target, complete, is_named, system_ms, time_named
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWER_SECONDS: Final = 20


def main() -> int:
    """Audit what the environment names or what is here, and give the exit status."""
    return command.audit(chosen)


@contextlib.contextmanager
def chosen() -> Iterator[Target]:
    """What is to be audited; raises `CommandError` when it is not there."""
    at_ms, data = time_named(), settings.data_folder()
    if is_named():
        raise CommandError(
            "A deployment is audited with other packages: `make audit STACK=…`, or `python -m ops audit`."
        )
    if data is None:
        yield _running(settings.port()).as_of(at_ms)
    elif not data.is_dir():
        raise CommandError(f"There is no data in {data}.")
    else:
        with settings.claimed(data), engine.running(data) as url:
            tables = config.tables(settings.chosen_template().environment())
            yield Target(provisioning.client(url), tables, system_ms).as_of(at_ms)


def _running(port: int) -> Target:
    """The tables of the stack at a port, and its clock."""
    url = f"http://{HOST}:{port}"
    store = _ask(f"{url}/_local/store", url)
    try:
        dynamodb, tables = provisioning.client(store["endpoint"]), complete(Tables(**store["tables"]))
    except (KeyError, TypeError):
        raise CommandError(f"What answers at {url} is no stack of this version.") from None

    def now_ms() -> int:
        return instant_ms(_ask(f"{url}/_local/clock", url)["now"]) or system_ms()

    return Target(dynamodb, tables, now_ms)


def _ask(address: str, url: str) -> Any:
    try:
        with urlopen(address, timeout=_ANSWER_SECONDS) as response:  # noqa: S310
            return json.load(response)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        what = f"No stack answers at {url} ({reason}): start one with `make run`, or say what to audit"
        raise CommandError(f"{what}: DATA=folder, STACK=name, or the tables by name.") from None
