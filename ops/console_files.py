"""What of a built console is served how, and which files a release leaves. Rule: pure; asks neither disk nor AWS.

A file below `assets/` has a name that changes with what is in it, so browsers and CloudFront keep it for a year. Every
other file keeps its name, and is asked for anew each time. A page that is open goes on with the assets it was loaded
with, so those of the release before stay; older ones go.
"""

from __future__ import annotations

import json
from hashlib import md5
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

CONFIG: Final = "config.json"
"""What the console knows of its deployment."""
PAGE: Final = "index.html"
RELEASE: Final = "release.json"
"""Which files there are, written when a release is through, and which there were before."""
ASSETS: Final = "assets/"
_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
_ASKED_FOR_EACH_TIME: Final = "no-cache"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


class Headers(NamedTuple):
    """What a file is served with."""

    content_type: str
    cache_control: str


class Release(NamedTuple):
    """The files of a release with the digest of each, and the names of those of the release before."""

    files: Mapping[str, str]
    before: tuple[str, ...] = ()


class Plan(NamedTuple):
    """What a release does, in this order."""

    uploads: tuple[str, ...]
    """Assets first and the page last: a page that is served names only files that are there."""
    told: tuple[str, ...]
    """The paths that CloudFront has to forget."""
    release: Release
    deletions: tuple[str, ...]


def is_known(key: str) -> bool:
    """Whether this is a kind of file that browsers need not guess."""
    return PurePosixPath(key).suffix in _TYPES


def headers_of(key: str) -> Headers:
    """How a file is served; raises `CommandError` for a kind of file that is not known."""
    kind = PurePosixPath(key).suffix
    if not is_known(key):
        raise CommandError(f"The console has the file {key}, and nobody has said what a browser takes {kind} for.")
    return Headers(_TYPES[kind], _FOR_A_YEAR if key.startswith(ASSETS) else _ASKED_FOR_EACH_TIME)


def digest_of(content: bytes) -> str:
    """What S3 calls the ETag of a file that is put at once and encrypted with S3's own key."""
    return md5(content, usedforsecurity=False).hexdigest()


def plan(built: Mapping[str, str], stored: Mapping[str, str], last: Release) -> Plan:
    """What brings the stored files to those that were built, both by name with their digests.

    `last` is the last release that got through. A release that broke off is made whole by the next, and one that is
    sent again does nothing.
    """
    if PAGE not in built:
        raise CommandError(f"The console that was built has no {PAGE}.")
    if {RELEASE} & set(built):
        raise CommandError(f"The console that was built has a {RELEASE}, which is the name of the list of releases.")
    changed = [key for key, digest in built.items() if stored.get(key) != digest]
    served_otherwise = [key for key, digest in built.items() if last.files.get(key) != digest and not _is_asset(key)]
    before = last.before if set(built) == set(last.files) else tuple(sorted(last.files))
    kept = {*built, *before, RELEASE}
    return Plan(
        uploads=tuple(sorted(changed, key=_turn)),
        told=_paths(served_otherwise),
        release=Release(dict(sorted(built.items())), before),
        deletions=tuple(sorted(set(stored) - kept)),
    )


def _is_asset(key: str) -> bool:
    return key.startswith(ASSETS)


def _turn(key: str) -> tuple[bool, bool, str]:
    return (not _is_asset(key), key == PAGE, key)


def _paths(keys: Collection[str]) -> tuple[str, ...]:
    """The paths by which CloudFront serves these; the page is that of the root as well."""
    return tuple(sorted({f"/{key}" for key in keys} | ({"/"} if PAGE in keys else set())))


def text_of(release: Release) -> bytes:
    """A release as it is stored."""
    return json.dumps({"files": dict(release.files), "before": list(release.before)}, indent=1).encode()


def release_of(text: bytes) -> Release:
    """A stored release; raises `CommandError` when it cannot be read."""
    try:
        stored: Any = json.loads(text)
        return Release(dict(stored["files"]), tuple(stored["before"]))
    except (KeyError, TypeError, ValueError):
        raise CommandError(
            f"{RELEASE} in the bucket cannot be read; delete it, and deploy the console again."
        ) from None
