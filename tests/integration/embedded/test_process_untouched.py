"""A process that decides is left as it was: no zone, no stream, no signal, no log and no locale of it is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import tzdata  # type: ignore[import-untyped]

from tests.support.embedded import settings_of
from tests.support.imports import PACKAGE
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from tests.support.world import World

DECIDE: Final = """
import gc, json, locale, logging, os, signal, sys, threading, warnings, zoneinfo
told = json.load(sys.stdin)
locale.setlocale(locale.LC_ALL, "C")

def of_the_process():
    root = logging.getLogger()
    return {
        "zones": (zoneinfo.TZPATH, zoneinfo.ZoneInfo("Europe/Madrid").utcoffset(summer)),
        "streams": (sys.stdin, sys.stdout, sys.stderr, sys.excepthook, threading.excepthook),
        "signals": [signal.getsignal(n) for n in sorted(signal.valid_signals())],
        "logging": (root.level, list(root.handlers), list(root.filters), sorted(root.manager.loggerDict)),
        "locale": locale.setlocale(locale.LC_ALL),
        "warnings": list(warnings.filters),
        "threads": threading.active_count(),
        "environment": dict(os.environ),
        "switch": (sys.getswitchinterval(), gc.isenabled(), sys.getrecursionlimit()),
        "mask": (os.umask(os.umask(0o22)), os.getcwd(), list(sys.path)),
    }

from datetime import datetime
summer = datetime(2026, 7, 1)
before = of_the_process()
from modelpass.dynamodb.sigv4 import Credentials
from modelpass.embedded.decisions import Decisions
decisions = Decisions(told["settings"], lambda: Credentials("AKID", "secret", None))
said = []
for n in range(3):
    granted = decisions.authorize({**told["payload"], "requestId": f"r-{n}"})
    said.append(granted["allowed"])
    said.append(decisions.settle({"authorizationId": granted["authorizationId"], "actualUsage": 3})["settled"])
said.append(decisions.authorize({})["error"]["code"])
said.append(decisions.authorize({**told["payload"], "requestId": "r", "modelId": "none"})["error"]["code"])
said.append(decisions.settle({"authorizationId": "none", "actualUsage": 3})["error"]["code"])
after = of_the_process()
assert before == after, [name for name in before if before[name] != after[name]]
others = {name.partition(".")[0] for name in sys.modules} & {"boto3", "botocore", "urllib3", "pydantic", "asyncio"}
assert not others, others
decisions.close()
with open(told["into"], "w") as file:
    json.dump(said, file)
"""


def test_decisions_leave_the_process_as_it_was_and_write_nothing(live: World, engine: str, tmp_path: Path) -> None:
    zones = tmp_path / "zones" / "Europe"
    zones.mkdir(parents=True)
    (zones / "Madrid").write_bytes((Path(tzdata.__path__[0]) / "zoneinfo" / "Asia" / "Tokyo").read_bytes())
    kept = live.buy(timezone="Europe/Madrid")
    told = {
        "settings": settings_of(live, engine),
        "payload": {"apiKey": kept["apiKey"], "modelId": TEXT_MODEL, "estimatedUsage": 10, "channelTier": "stable"},
        "into": str(tmp_path / "said"),
    }
    path = [str(PACKAGE.parent), *(entry for entry in sys.path if entry.endswith("site-packages"))]
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-c", DECIDE],
        env={
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONTZPATH": str(zones.parent),
            "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        },
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    said = json.loads((tmp_path / "said").read_text())
    assert said == [*[True] * 6, "invalid_request", "model_not_included", "authorization_not_found"]
