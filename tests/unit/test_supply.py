"""What runs with whose packages and credentials: pinned sets, their age and hashes, scripts, what make hands on."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from local.machine import ROOT
from ops.__main__ import COMMANDS
from tests.support.imports import graph, imported
from tests.support.rooms import FILES

if TYPE_CHECKING:
    from pathlib import Path

OPS: Final = ROOT / "requirements" / "ops.txt"
LOCKS: Final = sorted([*ROOT.glob("requirements/*.txt"), *ROOT.glob("layers/*/requirements.txt")])
GRAPH: Final = graph(FILES)
NPM: Final = [ROOT, ROOT / "console", ROOT / "benchmarks" / "peers" / "node"]
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "a secret of production",
    "AWS_SESSION_TOKEN": "a token of production",
    "AWS_PROFILE": "production",
}
REFUSES: Final = """
import sys
from importlib.abc import MetaPathFinder

class NotPinned(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {others}:
            raise ImportError(name + " is not of the pinned set")

sys.meta_path.insert(0, NotPinned())
"""


def pins(lock: Path) -> dict[str, str]:
    """Versions by the name of the distribution."""
    found = re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==([^ ;\\]+)", lock.read_text("utf-8"), re.MULTILINE)
    return dict(found)


def is_pinned_for_ops(distribution: str) -> bool:
    return re.sub(r"[-_.]+", "-", distribution).lower() in pins(OPS)


def reached(start: str) -> set[str]:
    """The files of the project that a module imports, at first or at second hand, by their dotted names."""
    found, left = set[str](), [start]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += GRAPH[name]
    return found


@pytest.mark.parametrize("name", sorted(name for name in FILES if name.startswith(("ops.", "modelpass_client.cli."))))
def test_tools_for_deployments_import_their_own_pinned_packages_alone(name: str) -> None:
    of = importlib.metadata.packages_distributions()
    for file in reached(name):
        for module in imported(FILES[file].read_text("utf-8"), file):
            top = module.partition(".")[0]
            if top in of:
                assert any(map(is_pinned_for_ops, of[top])), f"{file} imports {module}"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_tools_for_deployments_work_where_nothing_else_is_installed(command: str) -> None:
    of = importlib.metadata.packages_distributions()
    others = {top for top, owners in of.items() if not any(map(is_pinned_for_ops, owners))}
    assert {"moto", "cryptography", "hypothesis", "pytest", "local_of_nobody"} - others == {"local_of_nobody"}
    asked = [
        REFUSES.replace("{others}", repr(others)),
        f"sys.argv = ['ops', {command!r}]",
        "import runpy",
        # By the way that clients are made and time zones found, which is loaded late.
        "import boto3, zoneinfo",
        "boto3.client('dynamodb', region_name='eu-west-1'), boto3.client('cloudformation', region_name='eu-west-1')",
        "zoneinfo.ZoneInfo('Europe/Madrid')",
        "runpy.run_module('ops', run_name='__main__')",
    ]
    environment = {
        "PYTHONPATH": f"{ROOT / 'layers' / 'modelpass'}",
        "PYTHONTZPATH": "",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(asked)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert re.match(r"Say (what|which|as whom)", ended.stderr), ended.stderr


def test_tools_for_deployments_run_on_the_versions_that_are_deployed_and_tested() -> None:
    assert len(pins(OPS)) < 22  # thirteen for the tools, eight for the command line that runs them
    for lock in (*ROOT.glob("layers/*/requirements.txt"), ROOT / "requirements" / "dev.txt"):
        for name, version in pins(lock).items():
            assert pins(OPS).get(name, version) == version, (lock, name)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_package_is_pinned_by_hash_and_no_lock_says_where_it_came_from(lock: Path) -> None:
    text = lock.read_text("utf-8")
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+(\[[a-z0-9, -]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"://|--index|--extra|--find-links|^-e| @ ", text, re.MULTILINE)
    assert lock.with_suffix(".in").is_file()


@pytest.mark.parametrize("folder", NPM, ids=lambda path: str(path.relative_to(ROOT)))
def test_lock_of_npm_pins_by_hash_and_says_not_where_it_came_from(folder: Path) -> None:
    packages = json.loads((folder / "package-lock.json").read_text("utf-8"))["packages"]
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"].startswith("sha512-"), name


@pytest.mark.parametrize("folder", NPM, ids=lambda path: str(path.relative_to(ROOT)))
def test_npm_runs_no_script_of_a_package(folder: Path, tmp_path: Path) -> None:
    touch = "node -e \"require('fs').writeFileSync('ran', '')\""
    scripts = dict.fromkeys(("preinstall", "install", "postinstall", "prepare"), touch)
    (tmp_path / "package.json").write_text(json.dumps({"name": "with-scripts", "scripts": scripts}), "utf-8")

    def install() -> bool:
        subprocess.run(["npm", "install", "--offline", "--silent"], cwd=tmp_path, check=True)
        return (tmp_path / "ran").exists()

    (tmp_path / ".npmrc").write_text((folder / ".npmrc").read_text("utf-8"), "utf-8")
    assert not install()
    (tmp_path / ".npmrc").unlink()
    assert install(), "it is that file which keeps them from running"


def test_nothing_turns_the_scripts_of_npm_on() -> None:
    for file in (ROOT / "Makefile", ROOT / ".ci" / "run", *(ROOT / "benchmarks").rglob("*.py")):
        assert "ignore-scripts" not in file.read_text("utf-8"), file


def make(*words: str, **given: str) -> str:
    """What make would do."""
    environment = {"PATH": os.environ["PATH"], **given}
    return subprocess.run(
        ["make", "--no-print-directory", "-n", *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [("seed",), ("upgrade",), ("restore",), ("audit", "STACK=modelpass"), ("audit", "HISTORY_TABLE=restored")],
    ids=" ".join,
)
def test_what_holds_credentials_of_production_runs_from_its_own_packages(words: tuple[str, ...]) -> None:
    last = make(*words).splitlines()[-1]
    ran = r"(export \S+=\"[^;]+\"; )?PYTHONPATH=clients/python exec \.tools/ops/bin/python -m modelpass_client\.cli"
    assert re.fullmatch(rf"{ran} {words[0]}( --yes)?", last), last
    assert make(words[0], **dict(word.split("=") for word in words[1:])).splitlines()[-1] == last


def test_audit_of_what_is_here_runs_from_the_packages_of_development() -> None:
    last = make("audit").splitlines()[-1]
    assert last.endswith("; PYTHONPATH=clients/python exec .venv/bin/python -m modelpass_client.cli audit"), last


def handed_on(*goals: str, **given: str) -> set[str]:
    """The names of the credentials that make hands to what it runs for some goals."""
    shown = "override MAKECMDGOALS := " + " ".join(goals) + "\ninclude Makefile\nshown: ; @env\n"
    ended = subprocess.run(
        ["make", "--no-print-directory", "-f", "-", "shown"],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **CREDENTIALS, **given},
        input=shown, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {line.partition("=")[0] for line in ended.stdout.splitlines()} & set(CREDENTIALS)


@pytest.mark.parametrize("goal", ["run", "test", "lock", "audit", "seed"])
def test_credentials_that_are_exported_reach_nothing_that_needs_none(goal: str) -> None:
    assert handed_on(goal) == set()


@pytest.mark.parametrize("goal", ["upgrade", "restore"])
def test_credentials_that_are_exported_reach_the_tools_for_deployments(goal: str) -> None:
    assert handed_on(goal) == set(CREDENTIALS)
    assert handed_on("audit", STACK="modelpass") == set(CREDENTIALS)
    assert handed_on("run", AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:1") == set(CREDENTIALS)


def test_lock_takes_nothing_younger_than_a_week_and_uv_by_its_hash() -> None:
    told = make("lock")
    (script,) = re.findall(r"week_ago=\$\(\S+ -c '([^']+)'\)", told)
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    age = datetime.now(UTC) - datetime.fromisoformat(said)
    assert abs(age - timedelta(days=7)) < timedelta(minutes=1)
    assert "uv pip compile --exclude-newer $week_ago " in told
    for lock in LOCKS:
        assert str(lock.relative_to(ROOT).with_suffix("")) in told, lock
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^\t@\$\(UV_VENV\)/bin/pip \$\(INSTALL\) .*-r requirements/uv\.txt", makefile, re.MULTILINE)
    assert re.search(r"^INSTALL := .*--require-hashes", makefile, re.MULTILINE)
    assert set(pins(ROOT / "requirements" / "uv.txt")) == {"uv"}
