"""`make restore`: lets a deployment's tables hold just what restored ones hold. Rule: only what differs is written.

STACK names the deployment; FROM tells what the restored tables are called, with `{}` for each table's own name, as in
FROM='{}-restored'. UNITS bounds how many read units, and how many write units, it consumes a second. Nothing else may
write meanwhile: docs/operations.md tells how to stop it, and what to check before. One that broke off goes on where it
was when it is run again, by a file in the folder PROGRESS. It may be repeated. Events that are there already are not
written, so no event reaches other systems twice. Exit status: 0 when all is equal, 1 when something differs, 2 when it
could not be done.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3

from ops.aws import dynamodb_client, status_of
from ops.batches import UnansweredError
from ops.errors import CommandError
from ops.restore.pace import Pace
from ops.restore.progress import Progress
from ops.restore.store import Store
from ops.restore.tables import DELETE, PUT, SEGMENTS, Pair, differences, make_equal
from ops.stack_tables import every_table

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS: Final = 3000
"""Units a second unless told: a table on demand that is new takes 4,000 writes and 12,000 reads a second."""
FOLDER: Final = ".local/restore"
"""Where the progress is kept unless told."""
_EVERY_SECONDS: Final = 10.0
_READY: Final = ("ACTIVE", "UPDATING")


def main() -> int:
    """Restore the deployment that STACK names, print what was written to each table, and give the exit status."""
    return status_of(_restore, UnansweredError)


def _restore() -> int:
    stack, pattern = os.environ.get("STACK"), os.environ.get("FROM", "")
    if not stack or "{}" not in pattern:
        raise CommandError("Say what to restore, and from where: make restore STACK=… FROM='{}-restored'")
    units = _units(os.environ.get("UNITS") or str(UNITS))
    live = every_table(boto3.client("cloudformation"), stack)
    dynamodb = dynamodb_client()
    pairs, tables = [], {}
    for kind, name in live.items():  # every table is there before anything is written
        pair, told = _pair(dynamodb, kind, name, pattern.replace("{}", name))
        pairs.append(pair)
        tables[kind] = told
    file = Path(os.environ.get("PROGRESS") or FOLDER) / f"{re.sub(r'[^A-Za-z0-9-]', '_', stack)}.json"
    progress = Progress.opened(file, {"tables": tables, "segments": SEGMENTS})
    if progress.begun:
        print(f"Goes on where an earlier run was, by {file}.")
    return _carried_out(Store(dynamodb, Pace(units), Pace(units)), pairs, progress)


def _carried_out(store: Store, pairs: list[Pair], progress: Progress) -> int:
    told = Telling().tell
    for pair in pairs:
        make_equal(store, pair, progress, told)
    left = 0
    for pair in pairs:
        differ = differences(store, pair, told)
        put, deleted = (progress.count(pair.walk(walk), "written") for walk in (PUT, DELETE))
        print(f"{pair.kind}: {put} items put, {deleted} deleted, {differ} differ")
        left += differ
    progress.forget()
    print(f"Consumed: {store.reads.spent:g} read units, {store.writes.spent:g} write units.")
    if left:
        sys.stderr.write("Something still writes: stop it, and repeat this.\n")
    return 1 if left else 0


def _units(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise CommandError(f"UNITS must be a whole number of units a second, from 1, not {text!r}.")
    return int(text)


def _pair(dynamodb: Any, kind: str, live: str, restored: str) -> tuple[Pair, dict[str, Any]]:
    """The two tables, and what tells them from all others; raises `CommandError` when one cannot be used."""
    descriptions = [dynamodb.describe_table(TableName=name)["Table"] for name in (live, restored)]
    for table in descriptions:
        if table["TableStatus"] not in _READY:
            raise CommandError(f"{table['TableName']} is {table['TableStatus']}: wait until it is ACTIVE.")
    keys, others = (tuple(key["AttributeName"] for key in table["KeySchema"]) for table in descriptions)
    if keys != others:
        raise CommandError(f"{restored} has other keys than {live}: it was not restored from it.")
    told = {table["TableArn"]: str(table.get("TableId") or table["CreationDateTime"]) for table in descriptions}
    return Pair(kind, live, restored, keys), {"live": live, "restored": restored, "made": told}


class Telling:
    """Tells on standard error how far each walk is, every ten seconds; any number of threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at = clock()
        self._so_far: Counter[str] = Counter()
        self._walk = ""
        self._lock = threading.Lock()

    def tell(self, walk: str, counts: Counter[str]) -> None:
        """Take a page of a walk into account."""
        with self._lock:
            if walk != self._walk:
                self._walk, self._so_far = walk, Counter()
            self._so_far += counts
            if self._clock() - self._told_at >= _EVERY_SECONDS:
                self._told_at = self._clock()
                sys.stderr.write(f"{walk}: {self._so_far['read']} items read, {self._so_far['written']} written\n")
