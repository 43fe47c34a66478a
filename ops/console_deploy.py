"""`make console-deploy`: brings the built console to a deployment. Rule: what is served is whole at every moment.

STACK names the deployment; credentials and Region are those of the environment. New files are there before the page
that names them, CloudFront forgets what was replaced, and only then go the files of the release before the last one.
What a run that broke off has left undone, the next one does. Exit status: 0 when the console is deployed, 2 when it
could not be.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

import boto3

from ops import console_files
from ops.aws import status_of
from ops.console_files import CONFIG, RELEASE, Release
from ops.errors import CommandError

if TYPE_CHECKING:
    from ops.console_files import Plan

BUILT: Final = Path(__file__).parent.parent / "console" / "dist"
_OUTPUTS: Final = ("ConsoleBucketName", "ConsoleDistributionId", "ConsoleUrl", "ConsoleConfig")


class Console(NamedTuple):
    """Where the console of a deployment is, and what it is told."""

    bucket: str
    distribution: str
    url: str
    config: bytes


def main() -> int:
    """Deploy the console to the stack that STACK names, print what was done, and give the exit status."""
    return status_of(_deploy, OSError)


def _deploy() -> int:
    stack = os.environ.get("STACK")
    if not stack:
        raise CommandError("Say which deployment: make console-deploy STACK=…")
    console = console_of(boto3.client("cloudformation"), stack)
    files = {**built(BUILT), CONFIG: console.config}
    done = deploy(boto3.client("s3"), boto3.client("cloudfront"), console, files)
    uploaded, renewed, removed = len(done.uploads), len(done.told), len(done.deletions)
    print(f"{console.url}: {uploaded} files uploaded, {renewed} paths renewed, {removed} removed")
    return 0


def console_of(cloudformation: Any, stack: str) -> Console:
    """The console of a stack; raises `CommandError` when it has none."""
    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    if not set(_OUTPUTS) <= set(outputs):
        raise CommandError(f"{stack} has no console: deploy it with Console=Enabled first (docs/operations.md).")
    bucket, distribution, url, config = (outputs[name] for name in _OUTPUTS)
    return Console(bucket, distribution, url, json.dumps(json.loads(config), indent=1).encode())


def built(folder: Path) -> dict[str, bytes]:
    """The files of the built console by their keys; raises `CommandError` when it was not built."""
    if not folder.is_dir():
        raise CommandError(f"The console is not built: {folder} is not there. make console-deploy builds it.")
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def deploy(s3: Any, cloudfront: Any, console: Console, files: dict[str, bytes]) -> Plan:
    """Bring these files, and no others but those of the release before, to the bucket; gives what was done."""
    digests = {key: console_files.digest_of(content) for key, content in files.items()}
    headers = {key: console_files.headers_of(key) for key in files}
    plan = console_files.plan(digests, _stored(s3, console.bucket), _last(s3, console.bucket))
    for key in plan.uploads:
        _put(s3, console.bucket, key, files[key], headers[key])
    if plan.told:
        batch = {"Paths": {"Quantity": len(plan.told), "Items": list(plan.told)}, "CallerReference": str(uuid4())}
        cloudfront.create_invalidation(DistributionId=console.distribution, InvalidationBatch=batch)
    _put(s3, console.bucket, RELEASE, console_files.text_of(plan.release), console_files.headers_of(RELEASE))
    for key in plan.deletions:
        s3.delete_object(Bucket=console.bucket, Key=key)
    return plan


def _stored(s3: Any, bucket: str) -> dict[str, str]:
    """The digest of each file of the bucket."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {stored["Key"]: stored["ETag"].strip('"') for page in pages for stored in page.get("Contents", [])}


def _last(s3: Any, bucket: str) -> Release:
    """The last release that got through; an empty one for a new bucket."""
    try:
        text = s3.get_object(Bucket=bucket, Key=RELEASE)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return Release({})
    return console_files.release_of(text)


def _put(s3: Any, bucket: str, key: str, content: bytes, headers: console_files.Headers) -> None:
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=content,
        ContentType=headers.content_type,
        CacheControl=headers.cache_control,
    )
