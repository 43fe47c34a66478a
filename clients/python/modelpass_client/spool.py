"""Reports on disk until they are answered for good. Rule: a report that `put` has taken survives the process's end.

A folder holds a database and a lock file for each process. A process that ends with reports left leaves its files
behind; whoever finds them unlocked moves the reports to its own. So nothing is lost and nothing has two owners; were a
machine to fail between the two steps, a report would be sent twice, and books once.

    <name>.lock   locked for as long as the process lives; the kernel lets go of it however the process ends
    <name>.db     table `pending`: to be sent · table `refused`: refused for good, kept for people to look at

Survives: any end of the process, SIGKILL included. A loss of power may take the reports of the last moments, since the
disk is not waited for. On disk is never an API key. It does hold ids of authorizations, with which anyone who can call
the settle function could settle them: the folder is made for its owner alone (0700), and so is each file (0600).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.errors import ConfigurationError
from modelpass_client.forks import starts_anew

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

LOG: Final = logging.getLogger("modelpass_client")

_KEPT_SECONDS: Final = 90 * 86_400  # the service takes no report that is older
_WRITES_BETWEEN_TIDYING: Final = 1_000
_ROWS_AT_ONCE: Final = 200
_INSERT_SECONDS: Final = 0.5  # how long a request's end may wait for the work of others; then memory has its report
_WORK_SECONDS: Final = 5.0
_SCHEMA: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",  # no wait for the disk at each report; the kernel has it
    "PRAGMA wal_autocheckpoint=0",  # `tidy` does that, off the path of requests
    "CREATE TABLE IF NOT EXISTS pending (id TEXT PRIMARY KEY, payload TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS refused (id TEXT PRIMARY KEY, payload TEXT NOT NULL, at INTEGER NOT NULL, code TEXT)",
)

SpoolError = (sqlite3.Error, OSError)
"""What the methods raise when the disk is full, broken or gone."""


class Spool:
    """The reports of this process in a folder. Every method may be called from any thread; `SpoolError` may come.

    `put` shares no lock with the methods that threads in the background call, so a signal handler that waits for
    those never waits for what it interrupted.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Make the folder if it is not there; raises `ConfigurationError` where no file can be made in it."""
        self._folder = Path(folder)
        self._begin()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(self._folder, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            raise ConfigurationError("The spool's folder cannot be written to.")
        starts_anew(self)

    def _begin(self) -> None:
        self._own: _File | None = None
        self._opening = threading.RLock()

    def after_fork(self) -> None:
        """In a child: take a file of its own with the first report. The parent's is not touched, nor even closed."""
        if self._own is not None:
            self._own.leave_to_parent()
        self._begin()

    def put(self, authorization_id: str, payload: Json) -> None:
        """Keep a report; one of the same authorization that is here already stands."""
        self._file().insert("pending", authorization_id, json.dumps(payload))

    def done(self, authorization_id: str) -> None:
        """Forget a report that was answered for good."""
        self._file().delete(authorization_id)

    def refuse(self, authorization_id: str, payload: Json, code: str) -> None:
        """Keep a report aside that was refused for good, with the code of the refusal."""
        self._file().refuse(authorization_id, json.dumps(payload), code)

    def pending(self, most: int) -> list[tuple[str, Json]]:
        """The oldest reports that wait to be sent, with the id of their authorization."""
        return [(found, json.loads(payload)) for found, payload in self._file().oldest(most)]

    def refused(self) -> list[tuple[str, Json, str]]:
        """The reports that were refused for good: id, payload and the code of the refusal."""
        return [(found, json.loads(payload), code) for found, payload, code in self._file().refused()]

    def adopt(self) -> int:
        """Move the reports of processes that have ended here, and remove their files; how many there were."""
        own = self._file()
        return sum(_moved(lock, own) for lock in sorted(self._folder.glob("*.lock")) if lock != own.lock_path)

    def tidy(self) -> None:
        """Housekeeping: keep the files small, and drop what was refused so long ago that nobody can mend it."""
        self._file().tidy()

    def close(self) -> None:
        """Close the file; one with reports left stays on disk, to be adopted."""
        with self._opening:
            own, self._own = self._own, None
        if own is not None:
            own.close()

    def _file(self) -> _File:
        own = self._own
        if own is None:
            with self._opening:
                own = self._own = self._own or _File.new(self._folder)
        return own


class _File:
    """A locked database. Two connections: one for `insert`, one for all that background threads do."""

    def __init__(self, lock: int, lock_path: Path) -> None:
        self.lock_path = lock_path
        self.path = lock_path.with_suffix(".db")
        self._lock = lock
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        self._inserting = threading.RLock()
        self._working = threading.RLock()
        self._inserts = _connect(self.path, _INSERT_SECONDS)
        self._works = _connect(self.path, _WORK_SECONDS)
        self._writes = 0

    @classmethod
    def new(cls, folder: Path) -> _File:
        while True:
            lock_path = folder / f"{os.getpid()}-{uuid.uuid4().hex}.lock"
            lock = _locked(lock_path, os.O_CREAT | os.O_EXCL)
            if lock is None:
                continue  # somebody adopted it before it was locked: take another name
            try:
                return cls(lock, lock_path)
            except SpoolError:  # the disk is full: leave nothing behind, for there will be many tries
                lock_path.with_suffix(".db").unlink(missing_ok=True)
                lock_path.unlink(missing_ok=True)
                os.close(lock)
                raise

    def insert(self, table: str, found: str, payload: str) -> None:
        # One statement is one transaction, so that a signal handler or a collector never sees half of it.
        with self._inserting:
            self._inserts.execute(
                f"INSERT OR IGNORE INTO {table} (id, payload, at) VALUES (?, ?, ?)",  # noqa: S608 - a name of ours
                (found, payload, int(time.time())),
            )

    def delete(self, found: str) -> None:
        with self._working:
            self._writes += 1
            self._works.execute("DELETE FROM pending WHERE id = ?", (found,))

    def refuse(self, found: str, payload: str, code: str) -> None:
        with self._working, self._transaction():
            now = int(time.time())
            self._works.execute("INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?)", (found, payload, now, code))
            self._works.execute("DELETE FROM pending WHERE id = ?", (found,))

    def oldest(self, most: int) -> list[tuple[str, str]]:
        with self._working:
            return self._works.execute("SELECT id, payload FROM pending ORDER BY rowid LIMIT ?", (most,)).fetchall()

    def refused(self) -> list[tuple[str, str, str]]:
        with self._working:
            return self._works.execute("SELECT id, payload, code FROM refused ORDER BY rowid").fetchall()

    def take(self, other: _File) -> int:
        """Move what another file has here; were it cut short, a report would be in both, which books once."""
        pending = other.rows("pending")
        for table, rows in (("pending", pending), ("refused", other.rows("refused"))):
            places = ", ".join("?" * len(rows[0])) if rows else ""
            for start in range(0, len(rows), _ROWS_AT_ONCE):  # short transactions: `insert` may wait for one
                with self._working, self._transaction():
                    batch = rows[start : start + _ROWS_AT_ONCE]
                    self._works.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({places})", batch)  # noqa: S608
        return len(pending)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with self._working:
            return self._works.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()  # noqa: S608 - a name of ours

    def tidy(self) -> None:
        with self._working:
            self._works.execute("DELETE FROM refused WHERE at < ?", (int(time.time()) - _KEPT_SECONDS,))
            if self._writes >= _WRITES_BETWEEN_TIDYING:
                self._writes = 0
                self._works.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        with self._inserting, self._working:
            left = self._works.execute("SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM refused)")
            empty = left.fetchone()[0] == 0
            self._inserts.close()
            self._works.close()
            if empty:
                self._remove()
            os.close(self._lock)

    def discard(self) -> None:
        """Close and remove the files, whatever is in them."""
        self._inserts.close()
        self._works.close()
        self._remove()
        os.close(self._lock)

    def _remove(self) -> None:
        for path in (self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-shm"))):
            path.unlink(missing_ok=True)
        self.lock_path.unlink(missing_ok=True)

    def leave_to_parent(self) -> None:
        """In a forked child: keep the connections from being closed here, and let go of the lock's copy."""
        _PARENTS.append(self)
        os.close(self._lock)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._works.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._works.execute("COMMIT")
        except BaseException:  # also when the disk does not take it: a transaction left open would lock everybody out
            if self._works.in_transaction:
                self._works.execute("ROLLBACK")
            raise


_PARENTS: Final[list[_File]] = []
"""Files of parents: SQLite's connections of another process must not even be closed."""


def _connect(path: Path, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    for statement in _SCHEMA:
        connection.execute(statement)
    return connection


def _locked(path: Path, flags: int = 0) -> int | None:
    """An open, locked file; None where another process has it, or had it and removed it."""
    import fcntl  # noqa: PLC0415 - only spools need it, and Windows has none

    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino == path.stat().st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None


def _moved(lock_path: Path, own: _File) -> int:
    """Move the reports of a file whose process has ended; 0 where it lives, or where its file cannot be read."""
    lock = _locked(lock_path)
    if lock is None:
        return 0
    if not lock_path.with_suffix(".db").exists():
        lock_path.unlink(missing_ok=True)
        os.close(lock)
        return 0
    try:
        other = _File(lock, lock_path)
        moved = own.take(other)
    except sqlite3.DatabaseError as error:
        os.close(lock)
        if isinstance(error, sqlite3.OperationalError):
            raise  # the disk may be full for now: the next time may do
        LOG.warning("A file of the spool cannot be read and is put aside: %s", lock_path.with_suffix(".broken"))
        lock_path.with_suffix(".db").rename(lock_path.with_suffix(".broken"))
        lock_path.unlink(missing_ok=True)
        return 0
    other.discard()
    return moved
