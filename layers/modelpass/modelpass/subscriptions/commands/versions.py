"""Which calls the deployment may carry out by the schema version that it writes. Rule: one look at a setting.

What only the newest schema version can say is not stored while code of the version before may still have to read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass.errors import temporarily_unavailable

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps

_VERSION: Final = 3


def require_version_3(deps: Deps) -> None:
    """Refuse (`temporarily_unavailable`) while the deployment does not write schema version 3."""
    if deps.tables.version < _VERSION:
        raise temporarily_unavailable()
