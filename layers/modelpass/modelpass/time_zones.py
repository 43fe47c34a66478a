"""Time zones by their IANA names, from the `tzdata` package alone. Rule: whoever shares the process is not touched.

The zones of `zoneinfo` come from where the process has it look (`zoneinfo.TZPATH`): the system's data first, which
differ from machine to machine. What they are decides when windows end, so here they are read from the pinned package,
by its path: by its name `zoneinfo` would load more modules than this package has. Neither that path nor `zoneinfo`'s
cache is used or changed. The files of the package are constants, so a module that reads no other file is pure.
"""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzdata  # type: ignore[import-untyped]

_NAME = r"[A-Za-z0-9_+-]{1,64}(?:/[A-Za-z0-9_+-]{1,64}){0,3}"


@cache  # only what exists is kept, and a package has some six hundred zones
def zone(name: str) -> ZoneInfo:
    """The zone of this IANA name, such as `Europe/Madrid`.

    Raises `ZoneInfoNotFoundError`, which is a `KeyError`, for every other text: also for one that would lead out of the
    package's folder. Raises `OSError` when the package cannot be read.
    """
    if re.fullmatch(_NAME, name) is None:
        raise ZoneInfoNotFoundError(name)
    try:
        with open(f"{tzdata.__path__[0]}/zoneinfo/{name}", "rb") as file:  # noqa: PTH123 - pathlib is long to load
            return ZoneInfo.from_file(file, key=name)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError):  # none, a folder, another file
        raise ZoneInfoNotFoundError(name) from None
