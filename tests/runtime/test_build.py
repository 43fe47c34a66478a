"""What `sam build` made: all that functions need, nothing else, the same every time."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from botocore.session import get_session

from deploy import artifact, sizes
from local import settings
from local.cloudformation import template
from local.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.awslambda.emulator import Tools

HOT = ("AuthorizeFunction", "SettleFunction")
NO_MODULE = {"tzdata"}  # data that `time_zones` reads
ELF_MACHINE = {"arm64": 183, "x86_64": 62}
UNCHECKED_HASH = 1
CHOICES = ("TRACING", "STORE_CLIENT")
BROUGHT_BY = {
    "ModelpassLayer": "modelpass",
    "SdkLayer": "jmespath",
    "PowertoolsLayer": "aws_lambda_powertools",
    "PydanticLayer": "pydantic",
    "TracerLayer": "aws_xray_sdk",
}
PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b")
IMPORTED = """
import sys, app
names = {name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(*names)
"""
ENDPOINTS = """
import sys, boto3
for region in sys.stdin.read().split():
    client = boto3.client("dynamodb", region)
    print(client.meta.endpoint_url, client.meta.config.signature_version, client._request_signer.signing_name)
"""
CODE_NAMES = """
import marshal, sys
from importlib.util import MAGIC_NUMBER
for path in sys.stdin.read().split():
    raw = open(path, "rb").read()
    print(raw[:4] == MAGIC_NUMBER, int.from_bytes(raw[4:8], "little"), marshal.loads(raw[16:]).co_filename)
"""


def layers_of(artifacts: Path) -> list[Path]:
    return sorted(artifacts.glob("*Layer"))


def shipped(layer: Path) -> set[str]:
    """The packages and modules that a layer brings."""
    paths = (layer / "python").iterdir()
    return {path.name.partition(".")[0] for path in paths if not path.name.endswith((".dist-info", "__pycache__"))}


def run_here(tools: Tools, script: str, *paths: Path, told: str = "", **more: str) -> str:
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "DEPLOYMENT_KEY": "a deployment key".replace(" ", "-") * 4,
        **more,
    }
    ended = subprocess.run(
        [tools.python, "-c", script], env=environment, input=told, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def made(kind: str, source: str, target: Path, **environment: str) -> Path:
    """One artifact, made anew as `sam build` has it made: in a copy of its folder."""
    copy = target / "copy"
    shutil.copytree(ROOT / source, copy)
    command = [sys.executable, str(ROOT / "deploy" / "artifact.py"), kind, str(target / "made")]
    built_for = {"LAMBDA_PYTHON": settings.lambda_python(), **environment}
    subprocess.run(command, cwd=copy, env={**os.environ, **built_for}, check=True)
    return target / "made"


def test_a_function_is_its_handler_and_nothing_else(artifacts: Path) -> None:
    for folder in artifacts.glob("*Function"):
        names = {path.name for path in sizes.files_of(folder)}
        assert {name for name in names if not name.endswith(".pyc")} == {"app.py"}


@pytest.mark.parametrize("function", HOT)
def test_authorize_and_settle_carry_no_package_they_do_not_import(artifacts: Path, tools: Tools, function: str) -> None:
    expanded = template.load(artifacts / "template.yaml")
    layers = template.read(expanded, artifacts, template.secret_values(expanded)).functions[function].layers
    imported = run_here(tools, IMPORTED, artifacts / function, *layers, STORE_CLIENT="lean").split()
    assert [layer.parent.name for layer in layers] == ["ModelpassLayer"]
    assert shipped(layers[0].parent) - NO_MODULE == {"modelpass"} <= set(imported)


@pytest.mark.parametrize("client", ["lean", "boto3"])
@pytest.mark.parametrize("tracing", ["Disabled", "Active"])
def test_a_function_has_just_the_layers_that_it_imports_from(
    artifacts: Path, tools: Tools, tracing: str, client: str
) -> None:
    expanded = template.load(artifacts / "template.yaml", {"Tracing": tracing, "StoreClient": client})
    read = template.read(expanded, artifacts, template.secret_values(expanded))
    for function in read.functions.values():
        told = {name: function.environment[name] for name in CHOICES if name in function.environment}
        imported = run_here(tools, IMPORTED, function.folder, *function.layers, **told).split()
        brought = {layer.parent.name for layer in function.layers}
        assert brought == {layer for layer, package in BROUGHT_BY.items() if package in imported}, function.name


def test_time_zones_come_from_the_layer(artifacts: Path, tools: Tools) -> None:
    layer = artifacts / "ModelpassLayer" / "python"
    script = "import tzdata; from modelpass import time_zones; print(time_zones.zone('Asia/Kolkata'), tzdata.__file__)"
    assert run_here(tools, script, layer).split() == ["Asia/Kolkata", f"{layer / 'tzdata' / '__init__.py'}"]


def test_what_of_the_package_is_for_routers_is_not_shipped(artifacts: Path) -> None:
    shipped_rooms = {path.name for path in (artifacts / "ModelpassLayer" / "python" / "modelpass").iterdir()}
    assert {"router", "runtime", "errors.py"} <= shipped_rooms
    assert not {"embedded", "pyproject.toml", "py.typed"} & shipped_rooms


def test_no_package_is_in_two_layers(artifacts: Path) -> None:
    packages = [package for layer in layers_of(artifacts) for package in shipped(layer)]
    assert len(packages) == len(set(packages))
    assert {"modelpass", "pydantic", "aws_xray_sdk"} <= set(packages)


def test_clients_find_dynamodb_in_every_region_as_with_all_the_data(artifacts: Path, tools: Tools) -> None:
    regions = [region for kind in PARTITIONS for region in get_session().get_available_regions("dynamodb", kind)]
    told = run_here(tools, ENDPOINTS, artifacts / "SdkLayer" / "python", told=" ".join(regions)).splitlines()
    assert len(regions) > 30
    for region, line in zip(regions, told, strict=True):
        client = get_session().create_client("dynamodb", region)
        signer = client.meta.config.signature_version, client._request_signer.signing_name
        assert line.split() == [client.meta.endpoint_url, *signer]


def test_of_all_the_services_data_only_those_of_which_there_are_clients_are_shipped(artifacts: Path) -> None:
    data = artifacts / "SdkLayer" / "python" / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == {"dynamodb", "lambda", "xray"}


def modules(artifacts: Path) -> Iterator[Path]:
    for folder in (*artifacts.glob("*Function"), *layers_of(artifacts)):
        yield from folder.rglob("*.py")


def test_every_module_has_bytecode_of_lambdas_version_that_is_valid_wherever_it_is_put(
    artifacts: Path, tools: Tools
) -> None:
    version = settings.lambda_python().replace(".", "")
    paths = [path.parent / "__pycache__" / f"{path.stem}.cpython-{version}.pyc" for path in modules(artifacts)]
    said = run_here(tools, CODE_NAMES, told="\n".join(map(str, paths))).splitlines()
    assert len(said) == len(paths) > 500
    for line in said:
        right_version, flags, name = line.split()
        assert (right_version, int(flags)) == ("True", UNCHECKED_HASH)
        assert name.startswith(("/opt/python/", "/var/task/"))


@pytest.mark.parametrize(
    ("kind", "source", "name"),
    [
        ("layer", "layers/modelpass", "ModelpassLayer"),
        ("function", "functions/authorize", "AuthorizeFunction"),
    ],
)
def test_what_is_made_again_elsewhere_is_the_same(
    artifacts: Path, tmp_path: Path, kind: str, source: str, name: str
) -> None:
    assert sizes.digest_of(made(kind, source, tmp_path, ARCH="x86_64")) == sizes.digest_of(artifacts / name)


def test_native_code_is_for_the_processor_that_is_asked_for(artifacts: Path, tmp_path: Path) -> None:
    layers = {"x86_64": artifacts / "PydanticLayer", "arm64": made("layer", "layers/pydantic", tmp_path, ARCH="arm64")}
    for architecture, layer in layers.items():
        native = list(layer.rglob("*.so"))
        assert native
        for path in native:
            assert struct.unpack_from("<H", path.read_bytes(), 18) == (ELF_MACHINE[architecture],)


def test_another_processor_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"ARCH must be one of arm64, x86_64, not 'riscv'\."):
        artifact.install(tmp_path, "3.13", "riscv")


def test_without_a_python_of_the_version_there_is_no_bytecode_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.py").write_text("")
    artifact.compile_code(tmp_path, "3.99", "/var/task")
    assert "No Python 3.99 is found here" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]
