"""Makes the template's tables in the engine and fills the catalogue. Rule: what is there already is left as it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from local.cloudformation.template import REGION
from modelpass import schema
from modelpass.catalogue.items import currency_of, model_item, settings_item, settings_key
from modelpass.schema import primary_key
from ops import catalogue_file
from ops.aws import put_new
from ops.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from local.cloudformation.template import Template

KEY_ID: Final = "local"
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": "local",  # the engine checks none
}
_TOKEN: Final = "AWS_SESSION_TOKEN"  # noqa: S105 - its name


def credentials_are_given() -> bool:
    """Whether the environment has credentials for a DynamoDB that checks them, and names one.

    Those of somebody who merely has them exported are for AWS, and nothing here may have them.
    """
    return all(os.environ.get(name) for name in ("AWS_ENDPOINT_URL_DYNAMODB", *CREDENTIALS))


def credentials() -> dict[str, str]:
    """The credentials of the environment for the DynamoDB that it names, or else some that the engine takes."""
    if not credentials_are_given():
        return CREDENTIALS
    return {name: os.environ[name] for name in (*CREDENTIALS, _TOKEN) if os.environ.get(name)}


def client(endpoint: str, service: str = "dynamodb") -> Any:
    """A low-level boto3 client of the engine, for DynamoDB or for its streams (`dynamodbstreams`)."""
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


def seed_catalogue(dynamodb: Any, table: str, path: Path, version: int = schema.NEWEST) -> None:
    """Put the models of a catalogue file that the table does not have yet; raises `CommandError` when it is broken."""
    offers = catalogue_file.offers_of(path)
    for offer in offers[:1]:
        put_new(dynamodb, table, settings_item(offer.currency, version))
        found = dynamodb.get_item(TableName=table, Key=primary_key(settings_key()), ConsistentRead=True)
        if (currency := currency_of(found["Item"])) != offer.currency:
            raise CommandError(f"{path.name} is in {offer.currency}, and the catalogue there is already in {currency}.")
    for offer in offers:
        put_new(dynamodb, table, model_item(offer.model, version))
