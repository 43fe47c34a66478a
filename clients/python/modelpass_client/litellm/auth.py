"""LiteLLM's custom auth. Rule: it lets in what the ASGI layer let in, and nothing that came another way.

Whether a customer's key is good is decided by the authorize of the request itself, in the callback: asking here as well
would ask twice. Keys of another form than Modelpass's cannot be good and are refused without asking anybody.

    general_settings:
      custom_auth: modelpass_client.litellm.auth.user_api_key_auth
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from litellm.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

from modelpass_client.litellm.exchange import CURRENT
from modelpass_client.litellm.routes import ALLOWED_PATHS


async def user_api_key_auth(request: Any, api_key: str) -> UserAPIKeyAuth:
    """Whose request it is: the operator's by the master key, or a customer's by the exchange that it belongs to."""
    exchange = CURRENT.get()
    if exchange is not None:
        if not hmac.compare_digest(exchange.key.encode(), (api_key or "").encode()):
            raise _refused("The key is not the one that was asked with.")
        digest = hashlib.sha256(exchange.key.encode()).hexdigest()
        return UserAPIKeyAuth(
            api_key=digest,
            token=digest,
            user_role=LitellmUserRoles.INTERNAL_USER,
            allowed_routes=list(ALLOWED_PATHS),
        )
    if is_master_key(api_key) and request.scope.get("modelpass") == "operator":
        return UserAPIKeyAuth(api_key=api_key, user_role=LitellmUserRoles.PROXY_ADMIN)
    raise _refused("Incorrect API key provided.")


def is_master_key(key: str | None) -> bool:
    """Whether this is the proxy's master key; False where it has none."""
    from litellm.proxy import proxy_server  # noqa: PLC0415 - it imports its configuration's modules in turn

    master: Any = proxy_server.master_key
    return bool(master) and bool(key) and hmac.compare_digest(str(master).encode(), str(key).encode())


def _refused(message: str) -> ProxyException:
    return ProxyException(message=message, type="authentication_error", param=None, code=401)
