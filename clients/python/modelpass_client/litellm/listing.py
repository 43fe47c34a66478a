"""The model list of a key. Rule: a customer sees what it may use and this proxy can serve, under the ids it bought."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from modelpass_client.errors import Refused, unavailable
from modelpass_client.litellm import runtime
from modelpass_client.litellm.groups import group_of

if TYPE_CHECKING:
    from modelpass_client.litellm.routes import Dialect

Json = dict[str, Any]


async def models_of(key: str, dialect: Dialect, asked: str | None) -> Json:
    """The list, or the one model that is asked for, as the dialect has it; raises `Refused`."""
    from modelpass_client.litellm.callback import groups_of_proxy  # noqa: PLC0415 - loads LiteLLM

    running = runtime.running()
    if running is None:
        raise unavailable()
    described = await running.client.describe_key(key)
    if described["status"] != "active":
        raise _not_active(described["status"])
    there = groups_of_proxy()
    ids = [m["modelId"] for m in described["models"] if group_of(m["modelId"], m["channelTier"]) in there]
    entries = [_entry(name, described.get("startsAt"), dialect) for name in ids]
    if asked is not None:
        found = [entry for entry in entries if entry["id"] == asked]
        if not found:
            raise _no_such_model()
        return found[0]
    if dialect == "anthropic":
        ends = {"first_id": ids[0], "last_id": ids[-1]} if ids else {"first_id": None, "last_id": None}
        return {"data": entries, "has_more": False, **ends}
    return {"object": "list", "data": entries}


def _entry(name: str, since: str | None, dialect: Dialect) -> Json:
    if dialect == "anthropic":
        return {"type": "model", "id": name, "display_name": name, "created_at": since or "1970-01-01T00:00:00Z"}
    return {"id": name, "object": "model", "created": _seconds(since), "owned_by": "modelpass"}


def _seconds(since: str | None) -> int:
    return int(datetime.fromisoformat(since.replace("Z", "+00:00")).timestamp()) if since else 0


def _not_active(status: str) -> Refused:
    error = {"message": f"The subscription is {status}.", "type": "permission_error", "code": f"subscription_{status}"}
    return Refused({"allowed": False, "statusCode": 403, "error": error})


def _no_such_model() -> Refused:
    error = {"message": "There is no such model for this key.", "type": "not_found_error", "code": "not_found"}
    return Refused({"allowed": False, "statusCode": 404, "error": error})
