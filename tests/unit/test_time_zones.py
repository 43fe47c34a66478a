"""Time zones come from the pinned package, whatever the process is told, and nothing of the process is changed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
import tzdata  # type: ignore[import-untyped]

from modelpass import time_zones
from tests.support.imports import PACKAGE, imported

DATA = Path(tzdata.__path__[0]) / "zoneinfo"
NAMES = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
LOADED_BEFORE = "import zoneinfo; zoneinfo.ZoneInfo('Europe/Madrid')\n"
OF_THE_PROCESS = """
import zoneinfo
before = zoneinfo.TZPATH
from datetime import datetime
from modelpass import time_zones
ours, theirs = time_zones.zone("Europe/Madrid"), zoneinfo.ZoneInfo("Europe/Madrid")
print(ours.utcoffset(datetime(2026, 7, 1)), theirs.utcoffset(datetime(2026, 7, 1)), zoneinfo.TZPATH == before)
"""


def in_a_process(script: str, **environment: str) -> list[str]:
    path = os.pathsep.join((str(PACKAGE.parent), *(entry for entry in sys.path if entry.endswith("site-packages"))))
    told = {"PATH": os.environ["PATH"], "PYTHONPATH": path, **environment}
    ended = subprocess.run([sys.executable, "-c", script], env=told, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_every_zone_of_the_package_is_found_and_is_what_the_package_says(name: str) -> None:
    found, expected = time_zones.zone(name), ZoneInfo.no_cache(name)
    assert found.key == name
    for month in range(1, 13):
        instant = datetime(2026, month, 1, tzinfo=UTC)
        assert instant.astimezone(found).isoformat() == instant.astimezone(expected).isoformat()


def test_a_zone_is_read_once() -> None:
    assert time_zones.zone("Asia/Kolkata") is time_zones.zone("Asia/Kolkata")


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/", "Europe", "Europe/", "/Europe/Madrid", "Europe//Madrid", "./Europe/Madrid"),
        *("../zones", "../zoneinfo/Europe/Madrid", "Europe/../Europe/Madrid", "../../tzdata/zones", "/etc/passwd"),
        *("Europe\\Madrid", "Europe/Madrid\n", "Europe/Madrid\0", "Europe/Madr\u00edd", "Mars/Olympus", "C:/windows"),
        *("zone.tab", "tzdata.zi", "leapseconds", "__init__.py", "Europe/__init__.py", "Europe/Madrid/x"),
        *("a/" * 4 + "b", "x" * 65, "x" * 5000),
    ],
)
def test_every_other_name_is_refused_also_one_that_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        time_zones.zone(name)


def test_a_file_beside_the_zones_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "zoneinfo").mkdir()
    (tmp_path / "zoneinfo" / "Notes").write_text("no zone")
    monkeypatch.setattr(tzdata, "__path__", [str(tmp_path)])
    with pytest.raises(ZoneInfoNotFoundError):
        time_zones.zone("Notes")


@pytest.mark.parametrize("first", ["", LOADED_BEFORE])
def test_data_that_the_process_prefers_are_neither_read_nor_hidden(tmp_path: Path, first: str) -> None:
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Madrid").write_bytes((DATA / "Asia" / "Tokyo").read_bytes())
    said = in_a_process(first + OF_THE_PROCESS, PYTHONTZPATH=str(tmp_path))
    assert said == ["2:00:00 9:00:00 True"]


def test_no_other_module_of_the_package_makes_zones_or_says_where_they_are() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name == "time_zones.py":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        called = {getattr(node.func, "id", "") for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not {"reset_tzpath", "TZPATH", "ZoneInfo"} & (used | called), path.name
        assert "zoneinfo" not in imported(ast.unparse(_without_types(tree)), "modelpass.x"), path.name


def _without_types(tree: ast.Module) -> ast.Module:
    body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))]
    return ast.Module(body, [])
