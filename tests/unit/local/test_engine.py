"""The DynamoDB engine is found on every platform that it is published for, and its absence is told in one line."""

from __future__ import annotations

import http.server
import json
import os
import platform
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from local.dynamodb import engine
from local.machine import ROOT
from ops.errors import CommandError
from tests.support.stack import descendants

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLISHED: Final = {
    ("Linux", "x86_64"): "linux-x64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "arm64"): "darwin-arm64",
    ("Darwin", "x86_64"): "darwin-x64",
}
ELSEWHERE: Final = [("Linux", "riscv64"), ("FreeBSD", "amd64"), ("Windows", "AMD64"), ("", "")]
LOCK: Final[dict[str, Any]] = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
PACKAGE: Final[dict[str, Any]] = json.loads((ROOT / "package.json").read_text("utf-8"))


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A folder of npm's that was set up, in which no engine is."""
    folder = tmp_path / "node_modules"
    folder.mkdir()
    (folder / ".ready").touch()
    return folder


def pretend(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, path: Path | str = "") -> None:
    """Let this be another platform, with programs in this folder alone."""
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setenv("PATH", str(path))


def program(path: Path, says: str = "dynoxide 1.2.1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n", "utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("here", PUBLISHED, ids=" ".join)
def test_engine_of_npm_is_that_of_the_platform(
    monkeypatch: pytest.MonkeyPatch, modules: Path, tmp_path: Path, here: tuple[str, str]
) -> None:
    every = {name: program(modules / "@dynoxide" / name / "dynoxide") for name in PUBLISHED.values()}
    program(tmp_path / "bin" / "dynoxide")
    pretend(monkeypatch, *here, tmp_path / "bin")
    assert engine.binary(modules) == every[PUBLISHED[here]]


@pytest.mark.parametrize("here", [*PUBLISHED, *ELSEWHERE], ids=" ".join)
def test_engine_on_path_is_taken_where_npm_brought_none(
    monkeypatch: pytest.MonkeyPatch,
    modules: Path,
    tmp_path: Path,
    here: tuple[str, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    others = [name for system, name in PUBLISHED.items() if system != here]
    for name in others:
        program(modules / "@dynoxide" / name / "dynoxide")
    found = program(tmp_path / "bin" / "dynoxide")
    pretend(monkeypatch, *here, tmp_path / "bin")
    assert engine.binary(modules) == found
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("here", PUBLISHED, ids=" ".join)
def test_without_one_a_line_says_by_which_command_to_get_it(
    monkeypatch: pytest.MonkeyPatch, modules: Path, here: tuple[str, str]
) -> None:
    pretend(monkeypatch, *here)
    with pytest.raises(CommandError) as told:
        engine.binary(modules)
    assert f"`npm install --no-save @dynoxide/{PUBLISHED[here]}@{engine.VERSION}`" in str(told.value)
    assert "PATH" in str(told.value)
    assert "\n" not in str(told.value)


def test_before_anything_was_set_up_the_line_says_to_do_that_where_it_brings_the_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, "Linux", "x86_64")
    with pytest.raises(CommandError, match="`make setup`"):
        engine.binary(tmp_path)
    assert [f"@dynoxide/{PUBLISHED['Linux', 'x86_64']}"] == [*PACKAGE["optionalDependencies"]]
    pretend(monkeypatch, "Darwin", "arm64")
    with pytest.raises(CommandError, match="`npm install --no-save @dynoxide/darwin-arm64@"):
        engine.binary(tmp_path)


@pytest.mark.parametrize("here", ELSEWHERE, ids=" ".join)
def test_where_npm_has_none_the_line_says_how_to_build_one(
    monkeypatch: pytest.MonkeyPatch, modules: Path, here: tuple[str, str]
) -> None:
    pretend(monkeypatch, *here)
    with pytest.raises(CommandError, match=r"`cargo install dynoxide-rs`.*AWS_ENDPOINT_URL_DYNAMODB") as told:
        engine.binary(modules)
    assert "npm" not in str(told.value)


@pytest.mark.parametrize(("says", "version"), [("dynoxide 1.3.0", "1.3.0"), ("", "unknown"), ("1.2.10", "1.2.10")])
def test_another_version_on_path_is_taken_and_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    modules: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    says: str,
    version: str,
) -> None:
    found = program(tmp_path / "bin" / "dynoxide", says)
    pretend(monkeypatch, "Darwin", "arm64", tmp_path / "bin")
    assert engine.binary(modules) == found
    told = capfd.readouterr().err
    assert told == f"The DynamoDB engine is {found}, of version {version}; tested is {engine.VERSION}.\n"


def test_the_version_is_that_of_npm() -> None:
    assert set(PACKAGE["optionalDependencies"].values()) == {engine.VERSION}


@pytest.mark.skipif(bool(os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")), reason="another DynamoDB stands for the engine")
def test_the_engine_tells_its_version_as_it_is_read() -> None:
    told = subprocess.run([engine.binary(), "--version"], capture_output=True, text=True, check=True).stdout
    assert told.strip() == f"dynoxide {engine.VERSION}"


@pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc")
@pytest.mark.skipif(bool(os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")), reason="another DynamoDB stands for the engine")
@pytest.mark.parametrize("found", ["of npm", "on PATH"])
def test_the_engine_is_told_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, modules: Path, tmp_path: Path, found: str
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "HOME"):
        monkeypatch.setenv(name, "of somebody who develops")
    expected = b""
    if found == "on PATH":
        (tmp_path / "dynoxide").symlink_to(engine.binary())
        monkeypatch.setenv("PATH", str(tmp_path))
        expected = f"PATH={tmp_path}\0".encode()
    with engine.running(modules=modules if expected else ROOT / "node_modules"):
        told = [Path(f"/proc/{pid}/environ").read_bytes() for pid in descendants(os.getpid())]
    assert expected in told
    assert not [one for one in told if b"of somebody" in one]


def test_engines_are_optional_in_the_lock_and_bound_to_their_platform() -> None:
    engines = {name: entry for name, entry in LOCK["packages"].items() if "@dynoxide/" in name}
    assert {name.removeprefix("node_modules/") for name in engines} == {*PACKAGE["optionalDependencies"]}
    for name, entry in engines.items():
        system, _, processor = name.rpartition("/")[2].partition("-")
        assert (entry["optional"], entry["os"], entry["cpu"]) == (True, [system], [processor])
    assert not [name for name in PACKAGE["dependencies"] if "dynoxide" in name]


@pytest.fixture
def empty_registry() -> Iterator[str]:
    """A registry of packages that has none: 404 for each."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.parametrize("platform_of", [(), ("--os=darwin", "--cpu=arm64"), ("--os=linux", "--cpu=arm64")], ids=str)
def test_npm_goes_on_where_the_engine_cannot_be_had(
    tmp_path: Path, empty_registry: str, platform_of: tuple[str, ...]
) -> None:
    engines = {name: entry for name, entry in LOCK["packages"].items() if "@dynoxide/" in name}
    needed = {name: version for name, version in PACKAGE["dependencies"].items() if "dynoxide" in name}
    kept, root = ({**whole, "dependencies": needed} for whole in (PACKAGE, LOCK["packages"][""]))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(kept), "utf-8")
    (folder / "package-lock.json").write_text(json.dumps({**LOCK, "packages": {"": root, **engines}}), "utf-8")
    (folder / ".npmrc").write_text((ROOT / ".npmrc").read_text("utf-8"), "utf-8")
    options = ["--silent", "--registry", empty_registry, "--cache", str(tmp_path / "cache"), *platform_of]
    done = subprocess.run(["npm", "ci", *options], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list((folder / "node_modules").glob("@dynoxide/*/dynoxide"))
