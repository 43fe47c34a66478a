"""NotFoundFunction: every route and method the API does not have. Rule: touches nothing, needs no permission.

A `$default` route gets the preflights of browsers as well. Where the API is open to them it answers 204, and API
Gateway adds what is allowed.
"""

import os
from typing import Any

from modelpass.api.resolver import answer_preflights, resolver
from modelpass.runtime import config

app = resolver("not_found")
if config.browsers_may_call(os.environ):
    answer_preflights(app)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer 404 in the envelope, but 204 to a preflight."""
    return app.resolve(event, context)
