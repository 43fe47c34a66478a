"""What a call may store under the schema version that new items get. Rule: it looks at the setting, and at no item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.errors import temporarily_unavailable

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps


def require_version_3(deps: Deps) -> None:
    """Raise `temporarily_unavailable` while new items get the version before, which has no place for what is new."""
    if deps.tables.version < schema.NEWEST:
        raise temporarily_unavailable()
