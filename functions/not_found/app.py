"""NotFoundFunction: every route and method that an API does not have. Rule: reads no store and needs no permission.

It serves the `$default` route of both APIs, which gets the preflights of browsers as well. Where the APIs are open to
browsers it answers them with 204, and API Gateway adds the headers that say what is allowed. The customers' API also
brings it the operators' calls, which are refused there whoever makes them.
"""

import os
from typing import Any, Final, NoReturn

from modelpass.api.resolver import answer_preflights, resolver
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import config

_OPERATORS_ONLY: Final = Refusal(ErrorCode.FORBIDDEN, message="Operators' calls have an address of their own.")

_METHODS: Final = ["DELETE", "GET", "POST", "PUT"]

app = resolver("not_found")
if config.browsers_may_call(os.environ):
    answer_preflights(app)


@app.route("/v1/.*", method=_METHODS)
def refuse() -> NoReturn:
    """What has a route but belongs to the operators' API; `$default`, which has none, does not come here."""
    raise Refused(_OPERATORS_ONLY)


@app.route("/v1/<rest>", method=_METHODS)
def refuse_longer(rest: str) -> NoReturn:  # noqa: ARG001
    """The same of routes that end in a greedy variable, which are read by a rule that has one."""
    refuse()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer 404 or 403 in the envelope, or 204 to a preflight."""
    return app.resolve(event, context)
