"""Makes one artifact from the folder it runs in. Rule: same input, same bytes; nothing ships that no function needs.

Run by `sam build` through the Makefile beside it, with any Python from 3.11 that has pip: it needs nothing but the
standard library. The wheels are those of the target, ARCH (arm64 or x86_64) and LAMBDA_PYTHON (3.13), pinned with
hashes. Bytecode is made by a Python of that very version, so one has to be somewhere on the machine: on PATH, in
pyenv, or named by LAMBDA_PYTHON_PATH. Without one, the artifact has no bytecode and starts slower,
as a line on standard error says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

VERSION: Final = "3.13"
PLATFORMS: Final = {
    "arm64": ("manylinux2014_aarch64", "manylinux_2_28_aarch64"),
    "x86_64": ("manylinux2014_x86_64", "manylinux_2_28_x86_64"),
}
MOUNTED_AT: Final = {"function": "/var/task", "layer": "/opt"}
NOT_SHIPPED: Final = (
    "bin",  # scripts of the wheels
    "**/*.pyi",
    "*-stubs",
    "**/py.typed",
    "*.dist-info/INSTALLER",
    "*.dist-info/RECORD",  # lists what is removed here
    "*.dist-info/REQUESTED",
    "boto3/data",  # resources; only clients are used
    "boto3/examples",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui/*.js",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui/*.css",
    "modelpass/embedded",  # for routers
)
SERVICES: Final = ("dynamodb", "lambda", "xray")
"""The services that have clients: the X-Ray SDK makes one when it is loaded, though it never asks X-Ray by it."""
BOTOCORE_DATA: Final = frozenset(
    {*SERVICES, "_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
)
_REGION: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
OLDEST_SECONDS: Final = 315_532_800
"""1980-01-01 in seconds, the oldest time a zip can hold: an artifact does not depend on when it was built."""


def main(kind: str, artifacts: Path) -> None:
    """Fill the folder `artifacts` with a `function` or a `layer`."""
    version = os.environ.get("LAMBDA_PYTHON") or VERSION
    if kind == "layer":
        root = artifacts / "python"
        install(root, version, os.environ.get("ARCH") or "arm64")
        copy_code(Path.cwd(), root)
        prune(root)
        for endpoints in root.glob("botocore/data/endpoints.json"):
            keep_endpoints(endpoints)
    else:
        copy_code(Path.cwd(), artifacts)
    compile_code(artifacts, version, MOUNTED_AT[kind])
    stamp(artifacts)


def install(root: Path, version: str, architecture: str) -> None:
    """Put the pinned wheels of the target into a folder; raises `SystemExit` when one cannot be installed."""
    if architecture not in PLATFORMS:
        sys.exit(f"ARCH must be one of {', '.join(PLATFORMS)}, not {architecture!r}.")
    target = ["--python-version", version, "--implementation", "cp", "--only-binary", ":all:"]
    for platform in PLATFORMS[architecture]:
        target += ["--platform", platform]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    chosen = ["--no-deps", "--require-hashes", "--requirement", "requirements.txt", "--target", str(root)]
    ended = subprocess.run([*pip, *target, *chosen], env=without_credentials(), check=False)
    if ended.returncode:
        sys.exit("The packages of requirements.txt cannot be installed.")


def without_credentials() -> dict[str, str]:
    """The environment without what is of AWS but the Region: programs of a registry get no key, token or profile."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_") or name in _REGION}


def prune(root: Path) -> None:
    """Remove what no function uses."""
    paths = [path for pattern in NOT_SHIPPED for path in root.glob(pattern)]
    paths += [path for path in root.glob("botocore/data/*") if path.name not in BOTOCORE_DATA]
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def keep_endpoints(file: Path) -> None:
    """Leave only those services' endpoints in botocore's list: every client reads all of it as it is made."""
    known = json.loads(file.read_text("utf-8"))
    for partition in known["partitions"]:
        partition["services"] = {name: its for name, its in partition["services"].items() if name in SERVICES}
    file.write_text(json.dumps(known, separators=(",", ":")), "utf-8")


def copy_code(source: Path, root: Path) -> None:
    """Copy the Python files of a folder; other files of it are not shipped."""
    root.mkdir(parents=True, exist_ok=True)
    for module in sorted(source.rglob("*.py")):
        target = root / module.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, target)


def compile_code(artifacts: Path, version: str, mounted_at: str) -> None:
    """Put bytecode beside every module; it is valid whatever the time stamps, and names no path of this machine."""
    interpreter = python_of(version)
    if interpreter is None:
        sys.stderr.write(f"No Python {version} is found here: the artifact has no bytecode, and starts slower.\n")
        return
    how = ["--invalidation-mode", "unchecked-hash", "-s", str(artifacts), "-p", mounted_at]
    subprocess.run(
        [interpreter, "-m", "compileall", "-q", "-f", *how, str(artifacts)], env=without_credentials(), check=True
    )


def python_of(version: str) -> str | None:
    """The path of an interpreter of just this version, None when there is none."""
    named = os.environ.get("LAMBDA_PYTHON_PATH")
    paths = [named, shutil.which(f"python{version}"), sys.executable]
    paths += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")), reverse=True)
    found = (version_and_path(path) for path in paths if path)
    return next((path for known, path in found if known == version), None)


def version_and_path(path: str) -> tuple[str, str]:
    """The version of an interpreter and where its program is; the version is empty when it does not work.

    A path may name a script that starts the interpreter, or an environment with packages of its own: the path that is
    given back leads past both.
    """
    script = "import os, sys; print('%d.%d' % sys.version_info[:2], os.path.realpath(sys.executable))"
    try:
        said = subprocess.run(
            [path, "-c", script], env=without_credentials(), capture_output=True, text=True, check=False
        )
    except OSError:
        return "", path
    version, _, real = said.stdout.strip().partition(" ")
    return version, real


def stamp(artifacts: Path) -> None:
    """Give every file the same time and mode."""
    for path in [artifacts, *artifacts.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (OLDEST_SECONDS, OLDEST_SECONDS))


def version_here() -> str:
    """The version of Python that functions can run in here: Lambda's, or this one where that is missing."""
    return VERSION if python_of(VERSION) else f"{sys.version_info[0]}.{sys.version_info[1]}"


if __name__ == "__main__":
    if sys.argv[1] == "version-here":
        print(version_here())
    else:
        main(sys.argv[1], Path(sys.argv[2]).resolve())
