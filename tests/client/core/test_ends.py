"""However a process ends, or forks, no report is lost and none is anybody else's."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.policies import Policies
from modelpass_client.settler import Settler
from modelpass_client.spool import Spool
from tests.client.core.backends import Scripted
from tests.client.core.processes import WAIT, python, start

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

BEGIN = """
import asyncio, json, os, signal, sys, threading
from modelpass_client import AsyncClient, Client, Policies, Spool
from tests.client.core.backends import LOST, Scripted

signal.alarm(120)  # whatever happens, no program outlives its test for long

class Printing(Scripted):
    def settle(self, payload):
        answer = super().settle(payload)
        os.write(1, json.dumps([os.getpid(), payload["authorizationId"], payload["actualUsage"]]).encode() + b"\\n")
        return answer

def ready():
    os.write(1, b"ready\\n")
"""

NEVER_DELIVERED = (
    BEGIN
    + """
client = Client(Scripted(*[LOST] * 10**5), spool=Spool(sys.argv[1]), policies=Policies(authorize_seconds=60))
client.backend.script.clear()
grants = [client.authorize("key", "m", 100) for _ in range(20)]
client.backend.script.extend([LOST] * 10**5)
for number, grant in enumerate(grants):
    grant.used(number)
    grant.finish()
os.kill(os.getpid(), signal.SIGKILL)
"""
)


def lines(text: str) -> list[Any]:
    """The settles that a program told, besides `ready`."""
    return [json.loads(line) for line in text.splitlines() if line != "ready"]


def until_ready(process: subprocess.Popen[str]) -> list[Any]:
    """Read up to `ready`; the settles that came before it."""
    assert process.stdout is not None
    seen = []
    while (line := process.stdout.readline()) != "ready\n":
        assert line, "it ended"
        seen.append(json.loads(line))
    return seen


def test_reports_survive_sigkill_from_when_they_were_booked(tmp_path: Path) -> None:
    assert python(NEVER_DELIVERED, str(tmp_path)).returncode == -signal.SIGKILL
    backend = Scripted()
    settler = Settler(backend, Policies(settle_threads=0), spool=Spool(tmp_path))
    assert settler.recover() == 20
    assert settler.flush(WAIT)
    assert sorted(payload["actualUsage"] for payload in backend.settled) == list(range(20))


def test_nothing_on_disk_holds_the_api_key(tmp_path: Path) -> None:
    program = NEVER_DELIVERED.replace('"key"', '"sk-custom-very-secret"')
    assert python(program, str(tmp_path)).returncode == -signal.SIGKILL
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"id-7" in written
    assert b"sk-custom" not in written


def test_process_that_ends_by_itself_delivers_first() -> None:
    program = (
        BEGIN
        + """
client = Client(Printing())
client.authorize("key", "m", 100).settle()
client.authorize("key", "m", 50)
"""
    )
    ended = python(program)
    assert sorted(row[2] for row in lines(ended.stdout)) == [50, 100], ended.stderr


SIGTERM = (
    BEGIN
    + """
script = [] if sys.argv[1] == "up" else [LOST] * 3
client = Client(Printing(*script), policies=Policies(first_pause_seconds=30))
{before}
client.flush_at_sigterm()
client.backend.script.clear()
grants = [client.authorize("key", "m", 100) for _ in range(5)]
client.backend.script.extend(script)
for grant in grants:
    grant.settle()
{meanwhile}
"""
)


@pytest.mark.parametrize("service", ["up", "down for three tries"])
def test_sigterm_delivers_and_then_ends_the_process_by_the_signal(service: str) -> None:
    with start(SIGTERM.format(before="", meanwhile="ready(); threading.Event().wait()"), service) as process:
        seen = until_ready(process)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        rest = lines(process.stdout.read())  # not `communicate`, which overlooks what was read ahead
    assert process.returncode == -signal.SIGTERM
    assert len({row[1] for row in seen + rest}) == 5


def test_sigterm_that_ends_the_process_books_requests_under_way() -> None:
    program = SIGTERM.format(
        before="",
        meanwhile="""
under_way = client.authorize("key", "m", 300, prompt_units=30)
under_way.delivered(3)
signal.raise_signal(signal.SIGTERM)
""",
    )
    ended = python(program, "up")
    assert ended.returncode == -signal.SIGTERM, ended.stderr
    assert [row[2] for row in lines(ended.stdout) if row[2] != 100] == [33]


def test_sigterm_calls_the_handler_of_before_after_delivering() -> None:
    program = SIGTERM.format(
        before='signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"ready\\n"), os._exit(7)))',
        meanwhile="signal.raise_signal(signal.SIGTERM)",
    )
    ended = python(program, "up")
    assert ended.returncode == 7, ended.stderr
    assert ended.stdout.splitlines()[-1] == "ready"
    assert len({row[1] for row in lines(ended.stdout)}) == 5


def test_sigterm_that_was_ignored_stays_so() -> None:
    program = SIGTERM.format(
        before="signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        meanwhile="signal.raise_signal(signal.SIGTERM); ready()",
    )
    ended = python(program, "up")
    assert (ended.returncode, "ready" in ended.stdout) == (0, True), ended.stderr


LOOP = (
    BEGIN
    + """
class Late(Printing):
    may_settle = threading.Event()
    def settle(self, payload):
        self.may_settle.wait()
        return super().settle(payload)

async def main():
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    handler = lambda *_: loop.call_soon_threadsafe(done.set)
    if sys.argv[1] == "loop":
        loop.add_signal_handler(signal.SIGTERM, done.set)
    else:
        signal.signal(signal.SIGTERM, handler)
    async with AsyncClient(Late(), policies=Policies(exit_seconds=3600)) as client:
        client.flush_at_sigterm()
        async with client.request("key", "m", estimate=100) as grant:
            grant.used(1)
        signal.raise_signal(signal.SIGTERM)  # must not wait for what cannot be delivered yet
        await done.wait()
        client.sync.backend.may_settle.set()
    ready()

asyncio.run(main())
"""
)


@pytest.mark.parametrize("handler", ["loop", "server"])
def test_sigterm_in_a_loop_does_not_wait_and_its_end_delivers(handler: str) -> None:
    ended = python(LOOP, handler)
    assert ended.returncode == 0, ended.stderr
    assert [row[2] for row in lines(ended.stdout)] == [1]
    assert ended.stdout.splitlines()[-1] == "ready"


FORK = (
    BEGIN
    + """
client = Client(Printing(), spool=Spool(sys.argv[1]))
inherited = client.authorize("key", "m", 1)
client.authorize("key", "m", 2).settle()
client.flush(60)
children = []
for number in (10, 20):
    child = os.fork()
    if not child:
        assert client.settler.idle
        client.authorize("key", "m", number).settle()
        client.close(60)
        os._exit(0)
    children.append(child)
assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
inherited.settle()
client.close(60)
os.write(1, json.dumps(["parent", os.getpid()]).encode() + b"\\n")
"""
)


def test_forked_workers_report_their_own_grants_and_the_parent_its_own(tmp_path: Path) -> None:
    ended = python(FORK, str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    *rows, (_, parent) = lines(ended.stdout)
    by_process = sorted((row[0] == parent, row[2]) for row in rows)
    assert by_process == [(False, 10), (False, 20), (True, 1), (True, 2)]
    assert list(tmp_path.iterdir()) == []


def test_workers_adopt_nothing_of_their_living_parent(tmp_path: Path) -> None:
    program = (
        BEGIN
        + """
spool = Spool(sys.argv[1])
spool.put("parent", {})
child = os.fork()
if not child:
    os._exit(spool.adopt())
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert [found for found, _ in spool.pending(9)] == ["parent"]
"""
    )
    ended = python(program, str(tmp_path))
    assert ended.returncode == 0, ended.stderr


def test_reports_of_a_parent_that_died_before_its_worker_are_adopted(tmp_path: Path) -> None:
    program = (
        BEGIN
        + """
spool = Spool(sys.argv[1])
spool.put("parent", {})
reads, writes = os.pipe()
if os.fork():
    os._exit(0)
os.close(writes)
os.read(reads, 1)  # ends with the parent
while not (adopted := spool.adopt()):
    pass
os.write(1, json.dumps(adopted).encode() + b"\\n")
"""
    )
    assert lines(python(program, str(tmp_path)).stdout) == [1]


def test_importing_starts_nothing_and_loads_no_sdk() -> None:
    program = """
import sys, threading, signal
before = signal.getsignal(signal.SIGTERM)
import modelpass_client
assert threading.active_count() == 1
assert signal.getsignal(signal.SIGTERM) == before
print(sorted(name for name in sys.modules if name.split(".")[0] in {"boto3", "botocore", "modelpass", "litellm"}))
"""
    ended = python(program)
    assert ended.stdout == "[]\n", ended.stderr
