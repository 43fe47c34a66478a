"""What the commands that ask AWS have in common: a client of DynamoDB, a put that replaces nothing, exit statuses.

Rule: nothing here knows what a command does. Credentials and Region are those of the standard AWS environment.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.schema import Item

WORKERS: Final = 16
"""How many threads of one command ask DynamoDB at once."""
_RETRIES: Final = Config(retries={"mode": "standard", "total_max_attempts": 10}, max_pool_connections=WORKERS)


def dynamodb_client() -> Any:
    """A boto3 client that retries, with a connection for each of `WORKERS` threads."""
    return boto3.client("dynamodb", config=_RETRIES)


def put_new(dynamodb: Any, table: str, item: Item) -> None:
    """Put an item unless the table has one under its key."""
    with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(#pk)",
            ExpressionAttributeNames={"#pk": "pk"},
        )


def status_of(command: Callable[[], int], *failures: type[Exception]) -> int:
    """Carry a command out: its own exit status, or 2 when it raises `CommandError`, an error of boto3 or of `failures`.

    The message of such an error goes to standard error, as one line and without a traceback.
    """
    try:
        return command()
    except NoRegionError:
        sys.stderr.write("Say in which Region: AWS_DEFAULT_REGION=…\n")
        return 2
    except (CommandError, BotoCoreError, ClientError, *failures) as error:
        sys.stderr.write(f"{error}\n")
        return 2
