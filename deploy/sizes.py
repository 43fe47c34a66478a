"""Prints the size and a digest of each artifact of a build. Rule: a digest depends on names, modes and content alone.

Usage: python -m deploy.sizes FOLDER, the folder that `sam build` filled.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Final

_KIB: Final = 1024
_DIGEST_SHOWN: Final = 16  # of 64 digits


def files_of(artifact: Path) -> list[Path]:
    """The files of an artifact, in the order of their names."""
    return sorted(path for path in artifact.rglob("*") if path.is_file())


def digest_of(artifact: Path) -> str:
    """The SHA-256, in hex, of every file's name, mode and content."""
    total = hashlib.sha256()
    for path in files_of(artifact):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(artifact)} {path.stat().st_mode:o} {content}\n".encode())
    return total.hexdigest()


def zipped_bytes(artifact: Path) -> int:
    """The size in bytes of the zip that is sent to AWS."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in files_of(artifact):
            packed.write(path, path.relative_to(artifact))
    return len(out.getvalue())


def main(folder: Path) -> None:
    """Print a line for each artifact of a build."""
    print(f"{'artifact':24}{'files':>7}{'KiB':>9}{'zipped':>9}  digest")
    for artifact in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = files_of(artifact)
        size, zipped = sum(path.stat().st_size for path in files), zipped_bytes(artifact)
        digest = digest_of(artifact)[:_DIGEST_SHOWN]
        print(f"{artifact.name:24}{len(files):>7}{size / _KIB:>9.1f}{zipped / _KIB:>9.1f}  {digest}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
