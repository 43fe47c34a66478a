"""What is on disk belongs to one living process, survives it, and is nobody else's to read."""

from __future__ import annotations

import os
import sqlite3
import stat
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.errors import ConfigurationError
from modelpass_client.policies import Policies
from modelpass_client.settler import Settler
from modelpass_client.spool import Spool
from tests.client.core.backends import Scripted
from tests.client.core.processes import python

if TYPE_CHECKING:
    from pathlib import Path

FILL = """
import os, sys
from modelpass_client.spool import Spool
spool = Spool(sys.argv[1])
for name in sys.argv[2:]:
    spool.put(name, {"authorizationId": name, "actualUsage": len(name)})
spool.refuse("bad", {"authorizationId": "bad"}, "invalid_request")
os.kill(os.getpid(), 9)
"""


def left_by_a_dead_process(folder: Path, *names: str) -> None:
    assert python(FILL, str(folder), *names).returncode == -9


def test_reports_of_a_dead_process_are_adopted_once_and_its_files_removed(tmp_path: Path) -> None:
    left_by_a_dead_process(tmp_path, "a", "bb")
    spools = [Spool(tmp_path), Spool(tmp_path)]
    assert [spool.adopt() for spool in spools] == [2, 0]
    assert [found for found, _ in spools[0].pending(9)] == ["a", "bb"]
    assert spools[0].refused() == [("bad", {"authorizationId": "bad"}, "invalid_request")]
    assert len(list(tmp_path.glob("*.lock"))) == len(list(tmp_path.glob("*.db"))) == 2  # those of the living


def test_reports_of_a_living_process_are_left_alone(tmp_path: Path) -> None:
    living = Spool(tmp_path)
    living.put("a", {"authorizationId": "a"})
    assert Spool(tmp_path).adopt() == 0
    assert [found for found, _ in living.pending(9)] == ["a"]


def test_settler_sends_what_it_adopts(tmp_path: Path) -> None:
    left_by_a_dead_process(tmp_path, "a", "bb")
    backend = Scripted()
    settler = Settler(backend, Policies(settle_threads=0), spool=Spool(tmp_path))
    assert settler.recover() == 2
    assert settler.flush(10)
    assert [payload["actualUsage"] for payload in backend.settled] == [1, 2]


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    before = os.umask(0)
    try:
        spool = Spool(folder)
        spool.put("a", {"authorizationId": "a"})
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = list(folder.iterdir())
    assert {file.suffix for file in files} >= {".lock", ".db", ".db-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_closing_leaves_files_only_where_reports_are_left(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put("a", {"authorizationId": "a"})
    spool.done("a")
    spool.close()
    assert list(tmp_path.iterdir()) == []
    spool.put("b", {"authorizationId": "b"})  # a closed spool begins anew
    spool.close()
    assert Spool(tmp_path).adopt() == 1


def test_the_same_authorization_is_kept_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put("a", {"first": True})
    spool.put("a", {"first": False})
    assert spool.pending(9) == [("a", {"first": True})]


def test_file_that_cannot_be_read_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    left_by_a_dead_process(tmp_path, "a")
    left_by_a_dead_process(tmp_path, "b")
    broken = min(tmp_path.glob("*.db"))
    broken.write_bytes(b"not a database" * 1000)
    broken.with_suffix(".db-wal").unlink()  # else it is mended
    spool = Spool(tmp_path)
    assert spool.adopt() == 1
    assert len(list(tmp_path.glob("*.broken"))) == 1
    assert "put aside" in caplog.text
    assert spool.adopt() == 0


def test_lock_without_a_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "1-x.lock").touch()
    assert Spool(tmp_path).adopt() == 0
    assert not (tmp_path / "1-x.lock").exists()


def test_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError):
            Spool(folder)


def test_tidying_drops_what_was_refused_too_long_ago_and_keeps_the_rest(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.refuse("new", {"authorizationId": "new"}, "invalid_request")
    spool.refuse("old", {"authorizationId": "old"}, "invalid_request")
    file: Any = spool._own
    file._works.execute("UPDATE refused SET at = at - 91 * 86400 WHERE id = 'old'")
    spool.tidy()
    assert [found for found, _, _ in spool.refused()] == ["new"]


def test_the_log_that_the_database_writes_ahead_stays_small(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(3000):
        spool.put(str(number), {"authorizationId": str(number)})
        spool.done(str(number))
        if number % 500 == 0:
            spool.tidy()
    (log,) = tmp_path.glob("*.db-wal")
    assert log.stat().st_size < 20 * 2**20


def test_a_full_disk_refuses_a_report_and_the_spool_goes_on_when_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put("a", {"authorizationId": "a"})
    file: Any = spool._own
    (pages,) = file._works.execute("PRAGMA page_count").fetchone()
    file._works.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.Error):
        spool.refuse("a", {"authorizationId": "a" * 100_000}, "invalid_request")
    assert [found for found, _ in spool.pending(9)] == ["a"]
    file._works.execute("PRAGMA max_page_count = 1000000")
    spool.put("b", {"authorizationId": "b"})
    spool.refuse("a", {"authorizationId": "a"}, "invalid_request")
    assert [found for found, _ in spool.pending(9)] == ["b"]
    assert [found for found, _, _ in spool.refused()] == ["a"]


def test_a_transaction_that_fails_leaves_the_spool_usable(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put("a", {"authorizationId": "a"})
    file: Any = spool._own
    with pytest.raises(ZeroDivisionError), file._transaction():
        raise ZeroDivisionError
    spool.refuse("a", {"authorizationId": "a"}, "invalid_request")
    spool.put("b", {"authorizationId": "b"})
    assert [found for found, _ in spool.pending(9)] == ["b"]
