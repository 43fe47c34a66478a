"""Processes of the operating system that decide at once, beside functions: what is left is granted once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.audit import assert_conserved
from tests.support.embedded import settings_of
from tests.support.imports import PACKAGE
from tests.support.world import TEXT_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

PROCESSES: Final = 3
ASK: Final = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from modelpass.dynamodb.sigv4 import Credentials
from modelpass.embedded.decisions import Decisions
told = json.loads(sys.stdin.readline())
decisions = Decisions(told["settings"], lambda: Credentials("AKID", "secret", None))

def ask(number):
    granted = decisions.authorize({**told["payload"], "requestId": f"{told['name']}-{number}"})
    if not granted["allowed"]:
        return granted["error"]["code"]
    settled = decisions.settle({"authorizationId": granted["authorizationId"], "actualUsage": told["used"]})
    return "settled" if settled["settled"] and "replayed" not in settled else repr(settled)

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(ask, range(told["asks"])))))
decisions.close()
"""


@pytest.mark.parametrize(
    ("limits", "used", "code"),
    [
        ({"calls": 40, "cap": 10**6}, 3, "daily_call_limit_reached"),
        ({"calls": 10**6, "cap": 400}, 10, "monthly_cap_reached"),
    ],
)
def test_what_is_left_is_granted_once_however_many_processes_ask(
    live: World, engine: str, limits: dict[str, Any], used: int, code: str
) -> None:
    made = live.buy(models=[model(**limits)])
    payload = {"apiKey": made["apiKey"], "modelId": TEXT_MODEL, "estimatedUsage": 10}
    path = [str(PACKAGE.parent), *(entry for entry in sys.path if entry.endswith("site-packages"))]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ASK],
            env={"PYTHONPATH": os.pathsep.join(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    settings = settings_of(live, engine)
    for number, process in enumerate(running):
        told = {"settings": settings, "payload": payload, "name": f"p{number}", "used": used, "asks": 25}
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    here = [live.authorize(made["apiKey"], f"function-{n}", 10) for n in range(25)]
    ids = [answer["authorizationId"] for answer in here if answer["allowed"]]
    answers = ["settled" for each in ids if live.settle(each, used)["settled"]]
    for process in running:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        answers += json.loads(out)
    assert answers.count("settled") == 40
    assert set(answers) - {"settled"} == {code}
    counters = live.entitlement(made["subscriptionId"]).counters
    assert (counters.day_calls, counters.month_used) == (40, 40 * used)
    assert_conserved(live)
