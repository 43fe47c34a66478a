"""Bodies and limits of calls that the package does not have yet. Rule: each goes when `modelpass` has its own."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from modelpass.model import MAX_UNITS
from modelpass.payloads import MODEL_ID_PATTERN, MODEL_ID_RULE
from modelpass.request_body import Strict

MAX_REASON: Final = 500
_REASON: Final = Field(min_length=1, max_length=MAX_REASON, description=f"1 to {MAX_REASON} characters")


class CorrectionBody(Strict):
    """An amount to book, and why."""

    model_id: Annotated[str, Field(pattern=f"^{MODEL_ID_PATTERN}$", description=MODEL_ID_RULE)]
    units: Annotated[int, Field(ge=-MAX_UNITS, le=MAX_UNITS, description="a whole number other than 0")]
    at: Annotated[str | None, Field(description="an RFC 3339 time", json_schema_extra={"format": "date-time"})] = None
    reason: Annotated[str, _REASON]
