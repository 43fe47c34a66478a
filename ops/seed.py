"""`make seed`: fills a deployment's catalogue with the models of the catalogue file. Rule: only by operators' calls.

API is the URL of the deployment's API (default: the local stack), TOKEN an operator's JWT. A repeat changes nothing.
A price that differs by so much from that of the deployment that it has to be confirmed is refused, unless CONFIRM=yes
confirms all of the file. Exit status: 0 when every model was taken, 1 when one was refused or nothing answered, 2
without TOKEN.
"""

from __future__ import annotations

import os
import sys
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ops import catalogue_file
from ops.api_client import Http
from ops.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path


def main() -> int:
    """Send every model of the catalogue file once, and give the exit status."""
    token = os.environ.get("TOKEN")
    if not token:
        sys.stderr.write("Say as whom: make seed TOKEN=… [API=https://…]; TOKEN is an operator's JWT.\n")
        return 2
    try:
        url = os.environ.get("API") or f"http://127.0.0.1:{os.environ.get('PORT') or 3000}"
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"API must be the URL of an API, not {url!r}.")  # noqa: TRY301 - reported as the others
        return seed(Http(url.rstrip("/"), token), catalogue_file.PATH, confirmed=_confirmed())
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
    except (OSError, HTTPException) as error:
        sys.stderr.write(f"{url} does not answer: {error}\n")
    return 1


def _confirmed() -> bool:
    given = os.environ.get("CONFIRM") or None
    if given not in (None, "yes"):
        raise CommandError(f"CONFIRM must be yes or left out, not {given!r}.")
    return given is not None


def seed(http: Http, path: Path, *, confirmed: bool = False) -> int:
    """Send each model, and print what was answered; 0 when all were taken, else 1.

    `confirmed` tells that all prices are meant, however far they are from those of the deployment. Raises
    `CommandError` when the file is broken, `OSError` or `HTTPException` when the API does not answer.
    """
    refused = 0
    for entry in catalogue_file.entries_of(path):
        body = {**entry, "confirm": True} if confirmed else entry
        status, answer = http.call("PUT", f"/v1/models/{quote(entry['modelId'], safe='')}", body)
        if status == HTTPStatus.OK:
            print(f"{entry['modelId']}: offered in {', '.join(t['channelTier'] for t in answer['tiers'])}")
        else:
            refused += 1
            print(f"{entry['modelId']}: refused, {status} {_reason(answer)}")
    return 1 if refused else 0


def _reason(answer: Any) -> str:
    """The reason in the envelope, or in API Gateway's own answer."""
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error")
    if not isinstance(error, dict):
        return str(answer.get("message", ""))
    return f"{error.get('code')}: {error.get('param')}: {error.get('message')}"
