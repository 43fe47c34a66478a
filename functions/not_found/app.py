"""NotFoundFunction: every route and method that the API does not have. Rule: reads no store and needs no permission.

It serves the `$default` route, which gets the preflights of browsers as well. Where the API is open to browsers it
answers them with 204, and API Gateway adds the headers that say what is allowed.
"""

import os
from typing import Any

from modelpass.api.resolver import answer_preflights, resolver
from modelpass.runtime import config

app = resolver("not_found")
if config.browsers_may_call(os.environ):
    answer_preflights(app)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer 404 in the envelope, or 204 to a preflight."""
    return app.resolve(event, context)
