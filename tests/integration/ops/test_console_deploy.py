"""`make console-deploy` on AWS as moto has it: what is in the bucket, how it is served, what CloudFront is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from local.cloudformation.template import REGION
from local.dynamodb.provisioning import CREDENTIALS
from ops import console_deploy
from ops.console_deploy import Console, console_of
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STACK = "modelpass-prod"
URL = "https://d111111abcdef8.cloudfront.net"
CONFIG = {"customer": {"clientId": "console"}, "routerUrl": "https://router.example/v1"}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "STACK": STACK}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built console."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<script src=/assets/index-1.js>")
    (folder / "assets" / "index-1.js").write_text("1")
    monkeypatch.setattr(console_deploy, "BUILT", folder)
    return folder


def make_stack(**outputs: str) -> None:
    bucket = {"ConsoleBucketName": {"Value": {"Ref": "ConsoleBucket"}}} if outputs else {}
    body = {
        "Resources": {"ConsoleBucket": {"Type": "AWS::S3::Bucket", "Properties": {}}},
        "Outputs": {**{name: {"Value": value} for name, value in outputs.items()}, **bucket},
    }
    boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(body))


@pytest.fixture
def console() -> Console:
    """A deployment that has a console."""
    made = boto3.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "1",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "files", "DomainName": "files.example"}]},
            "DefaultCacheBehavior": {"TargetOriginId": "files", "ViewerProtocolPolicy": "https-only"},
        }
    )
    make_stack(
        ConsoleDistributionId=made["Distribution"]["Id"],
        ConsoleUrl=URL,
        ConsoleConfig=json.dumps(CONFIG),
        Other="other",
    )
    return console_of(boto3.client("cloudformation"), STACK)


def stored(console: Console) -> dict[str, Any]:
    s3 = boto3.client("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=console.bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=console.bucket, Key=key) for key in keys}


def batches(console: Console) -> list[Any]:
    """What CloudFront was told to forget."""
    cloudfront = boto3.client("cloudfront")
    listed = cloudfront.list_invalidations(DistributionId=console.distribution)["InvalidationList"].get("Items", [])
    found = [cloudfront.get_invalidation(DistributionId=console.distribution, Id=one["Id"]) for one in listed]
    return [one["Invalidation"]["InvalidationBatch"] for one in found]


def told(console: Console) -> list[list[str]]:
    return [batch["Paths"]["Items"] for batch in batches(console)]


def test_console_is_in_the_bucket_with_what_the_deployment_tells_it(
    console: Console, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert files.is_dir()
    assert console_deploy.main() == 0
    found = stored(console)
    assert set(found) == {"index.html", "config.json", "assets/index-1.js", "release.json"}
    assert json.loads(found["config.json"]["Body"].read()) == CONFIG
    kept = {key: one["CacheControl"] for key, one in found.items()}
    assert kept.pop("assets/index-1.js") == "public, max-age=31536000, immutable"
    assert set(kept.values()) == {"no-cache"}
    assert found["index.html"]["ContentType"] == "text/html; charset=utf-8"
    assert told(console) == [["/", "/config.json", "/index.html"]]
    assert capsys.readouterr().out == f"{URL}: 3 files uploaded, 3 paths renewed, 0 removed\n"


def test_repeat_uploads_nothing_and_tells_cloudfront_nothing(
    console: Console, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert files.is_dir()
    assert console_deploy.main() == 0
    before = {key: one["LastModified"] for key, one in stored(console).items() if key != "release.json"}
    capsys.readouterr()
    assert console_deploy.main() == 0
    assert capsys.readouterr().out == f"{URL}: 0 files uploaded, 0 paths renewed, 0 removed\n"
    assert {key: one["LastModified"] for key, one in stored(console).items() if key != "release.json"} == before
    assert len(told(console)) == 1


def test_there_and_back_cloudfront_is_told_each_time_and_only_the_release_before_is_kept(
    console: Console, files: Path
) -> None:
    asset = files / "assets" / "index-1.js"
    for number in (1, 2, 1, 2, 1):
        asset = asset.rename(asset.with_name(f"index-{number}.js"))
        (files / "index.html").write_text(f"<script src=/assets/index-{number}.js>")
        assert console_deploy.main() == 0
    assert len({batch["CallerReference"] for batch in batches(console)}) == 5  # it carries out each reference once
    asset.rename(asset.with_name("index-3.js"))
    assert console_deploy.main() == 0
    assert {key for key in stored(console) if key.startswith("assets/")} == {"assets/index-1.js", "assets/index-3.js"}


class BreaksOff:
    """An S3 whose connection is lost before a file."""

    def __init__(self, key: str) -> None:
        self._s3, self._key = boto3.client("s3"), key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **request: Any) -> Any:
        if request["Key"] == self._key:
            raise ConnectionError(self._key)
        return self._s3.put_object(**request)


@pytest.mark.parametrize("at", ["assets/index-2.js", "config.json", "index.html", "release.json"])
def test_run_that_breaks_off_leaves_no_page_without_its_files_and_the_next_one_makes_it_whole(
    console: Console, at: str
) -> None:
    s3, cloudfront = boto3.client("s3"), boto3.client("cloudfront")
    old = {"index.html": b"1", "config.json": b"1", "assets/index-1.js": b"1"}
    new = {"index.html": b"2", "config.json": b"2", "assets/index-2.js": b"2"}
    console_deploy.deploy(s3, cloudfront, console, old)
    with pytest.raises(ConnectionError):
        console_deploy.deploy(BreaksOff(at), cloudfront, console, new)
    found = stored(console)
    page = found["index.html"]["Body"].read().decode()
    assert f"assets/index-{page}.js" in found
    assert "assets/index-1.js" in found
    console_deploy.deploy(s3, cloudfront, console, new)
    found = stored(console)
    assert {key: found[key]["Body"].read() for key in new} == new
    assert "assets/index-1.js" in found
    assert len(told(console)) == (3 if at == "release.json" else 2)


def test_stack_without_a_console_is_told_so(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.is_dir()
    make_stack()
    assert console_deploy.main() == 2
    assert capsys.readouterr().err == (
        "modelpass-prod has no console: deploy it with Console=Enabled first (docs/operations.md).\n"
    )


def test_console_that_is_not_built_is_told_so(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console_deploy, "BUILT", tmp_path / "dist")
    assert console_deploy.main() == 2
    assert "is not built" in capsys.readouterr().err
    assert stored(console) == {}


def test_file_that_nobody_knows_stops_it_before_anything_is_uploaded(
    console: Console, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "assets" / "index-1.js.map").write_text("{}")
    assert console_deploy.main() == 2
    assert "assets/index-1.js.map" in capsys.readouterr().err
    assert stored(console) == {}


def test_stack_has_to_be_named_and_has_to_be_there(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert files.is_dir()
    assert console_deploy.main() == 2
    assert "modelpass-prod does not exist" in capsys.readouterr().err
    monkeypatch.delenv("STACK")
    assert console_deploy.main() == 2
    assert capsys.readouterr().err == "Say which deployment: make console-deploy STACK=…\n"


def test_broken_list_of_releases_is_told_of(console: Console) -> None:
    s3 = boto3.client("s3")
    s3.put_object(Bucket=console.bucket, Key="release.json", Body=b"[")
    with pytest.raises(CommandError, match=r"release\.json"):
        console_deploy.deploy(s3, boto3.client("cloudfront"), console, {"index.html": b"1"})
