"""What the service does not know yet. Rule: a field that an older service refuses is left out from then on.

Services of before know no `attempt`, `minimumUsage`, `usageSource` or `continue`, and refuse a request that has such
a field by its name. What the client sends there is valid by itself, so such a refusal can mean nothing else. It is
remembered for the life of the process and told once in the log.
"""

from __future__ import annotations

import logging
from typing import Any, Final

Json = dict[str, Any]

LOG: Final = logging.getLogger("modelpass_client")

LATER_FIELDS: Final = frozenset({"attempt", "minimumUsage", "usageSource", "continue"})
"""The fields that services of before do not know."""


class Dialect:
    """The fields that this service was seen not to know; it may be shared by threads."""

    def __init__(self) -> None:
        self._unknown: frozenset[str] = frozenset()

    def knows(self, field: str) -> bool:
        """Whether the service is not known to refuse this field."""
        return field not in self._unknown

    def spoken(self, payload: Json) -> Json:
        """The payload without the fields that the service does not know."""
        return {name: value for name, value in payload.items() if name not in self._unknown}

    def learns(self, payload: Json, answer: Json) -> bool:
        """Whether the answer refuses a field of this payload that is new: then send it again, as `spoken`."""
        field = refused_field(answer)
        if field not in LATER_FIELDS or field not in payload:
            return False
        if field not in self._unknown:
            self._unknown |= {field}
            LOG.warning("The service is older than this client and does not know %s: it is left out.", field)
        return True


def refused_field(answer: Json) -> str | None:
    """The field that an answer refuses as invalid, None where it refuses none."""
    error = answer.get("error")
    return error.get("param") if isinstance(error, dict) and error.get("code") == "invalid_request" else None
