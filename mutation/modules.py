"""Which modules are mutated: those that are named, else the pure ones that have changed. Rule: found by their paths."""

from __future__ import annotations

import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from tests.support.rooms import pure_files

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "layers" / "modelpass" / "modelpass"


def pure() -> list[Path]:
    """The modules of the pure core, as the rules of import know them."""
    return sorted(pure_files().values())


def named(only: str) -> list[Path]:
    """The modules that are named, with commas between: `rules`, `entitlements/rules`, `entitlements` or a path."""
    found: set[Path] = set()
    for name in filter(None, (part.strip().rstrip("/") for part in only.split(","))):
        matching = {path for path in PACKAGE.rglob("*.py") if _is_meant(path, name)}
        if not matching:
            raise SystemExit(f"No module of modelpass is called {name}.")
        found |= matching
    return sorted(found)


def _is_meant(path: Path, name: str) -> bool:
    inside, here = path.relative_to(PACKAGE), path.relative_to(ROOT)
    patterns = (name, f"{name}.py", f"{name}/*", f"*/{name}.py", f"*/{name}")
    return any(fnmatch(str(spelled), pattern) for spelled in (inside, here) for pattern in patterns)


def changed() -> list[Path]:
    """The pure modules that differ from where this branch left `main`; on `main`, from the commit before."""
    base = git("merge-base", "HEAD", "main")
    if base in ("", git("rev-parse", "HEAD")):
        base = "HEAD~1"
    names = git("diff", "--name-only", base).splitlines()
    names += git("ls-files", "--others", "--exclude-standard").splitlines()
    return sorted({ROOT / name for name in names} & set(pure()))


def dotted(path: Path) -> str:
    """The name that a module is imported by."""
    return ".".join(("modelpass", *path.relative_to(PACKAGE).with_suffix("").parts))


def git(*arguments: str) -> str:
    """What git prints; nothing where it fails."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
