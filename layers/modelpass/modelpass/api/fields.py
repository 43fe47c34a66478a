"""Fields that the bodies of several calls have in common. Rule: the form of one value, with the words of its rule.

A description completes the sentence "… must be …", as `validation` says.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, Tier
from modelpass.ids import MODEL_ID_PATTERN, MODEL_ID_RULE

MOST_REASON: Final = 500
"""How many characters a reason may have."""

ModelId = Annotated[str, StringConstraints(pattern=f"^{MODEL_ID_PATTERN}$"), Field(description=MODEL_ID_RULE)]
ChannelTier = Annotated[Tier, Field(strict=False, description=f"one of {', '.join(Tier)}")]
Calls = Annotated[int, Field(ge=1, le=MAX_CALLS, description=f"a whole number from 1 to {MAX_CALLS}")]
Units = Annotated[int, Field(ge=1, le=MAX_UNITS, description=f"a whole number from 1 to {MAX_UNITS}")]
