"""Makes the template's tables in an engine and fills the catalogue. Rule: what is there already is left as it is."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from local.problems import StartError
from local.template import REGION
from modelpass.catalogue import model_item, models_of_document

if TYPE_CHECKING:
    from pathlib import Path

    from local.template import Template
    from modelpass.catalogue import CatalogueModel

CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",  # the engine checks none
}
_TOKEN: Final = "AWS_SESSION_TOKEN"  # noqa: S105 - its name


def credentials() -> dict[str, str]:
    """Those of the environment, for a DynamoDB that checks them, or else any."""
    if not all(os.environ.get(name) for name in CREDENTIALS):
        return CREDENTIALS
    return {name: os.environ[name] for name in (*CREDENTIALS, _TOKEN) if os.environ.get(name)}


def client(endpoint: str, service: str = "dynamodb") -> Any:
    """A low-level DynamoDB client for the engine."""
    given = credentials()
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=given.get(_TOKEN),
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=80),
    )


def create_tables(dynamodb: Any, template: Template) -> None:
    """Create the tables that are not there yet."""
    for table in template.tables:
        try:
            made = dynamodb.create_table(**table)
        except dynamodb.exceptions.ResourceInUseException:
            continue
        if made["TableDescription"]["TableStatus"] != "ACTIVE":
            dynamodb.get_waiter("table_exists").wait(TableName=table["TableName"])
        ttl = template.time_to_live.get(table["TableName"])
        if ttl is not None:
            specification = {"AttributeName": ttl, "Enabled": True}
            dynamodb.update_time_to_live(TableName=table["TableName"], TimeToLiveSpecification=specification)


def _models_of(path: Path) -> list[CatalogueModel]:
    try:
        return models_of_document(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise StartError(f"{path.name} cannot be read: {error.strerror}.") from None
    except KeyError as error:
        raise StartError(f"{path.name} is broken: an entry lacks {error.args[0]}.") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise StartError(f"{path.name} is broken: {error}.") from None


def seed_catalogue(dynamodb: Any, table: str, path: Path) -> None:
    """Put the models of a catalogue file that the table does not have yet; raises `StartError` when it is broken."""
    for model in _models_of(path):
        try:
            dynamodb.put_item(
                TableName=table,
                Item=model_item(model),
                ConditionExpression="attribute_not_exists(#pk)",
                ExpressionAttributeNames={"#pk": "pk"},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            continue
