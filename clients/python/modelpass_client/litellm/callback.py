"""LiteLLM's hooks. Rule: they ask for the grant, keep a request in its tier, note what happens, and book nothing.

What a hook raises is swallowed by LiteLLM in some places and answered as a failure of a paid request in others. So only
the hook before the request raises, where nothing is paid for yet, and the one that keeps it from a wrong upstream.

    litellm_settings:
      callbacks: [modelpass_client.litellm.callback.modelpass]
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import ProxyException

from modelpass_client.asking import refusal
from modelpass_client.errors import Refused, unavailable
from modelpass_client.litellm import runtime, upstream_usage
from modelpass_client.litellm.estimates import estimate
from modelpass_client.litellm.exchange import CURRENT, Exchange
from modelpass_client.litellm.groups import group_of, tier_of
from modelpass_client.litellm.routes import CALL_TYPES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from modelpass_client.litellm.runtime import Runtime

Json = dict[str, Any]

LOG: Final = logging.getLogger("modelpass_client.litellm")

_UNITS: Final = {"images": "generations"}


class Modelpass(CustomLogger):  # type: ignore[misc]  # LiteLLM is in an environment of its own
    """The hooks; one for each process."""

    async def async_pre_call_hook(self, user_api_key_dict: Any, cache: Any, data: Json, call_type: str) -> Json:
        """Ask for the grant, and send the request to the group of its tier; raises what the customer is answered."""
        exchange = CURRENT.get()
        running = runtime.running()
        if exchange is None or running is None or call_type not in CALL_TYPES[exchange.kind]:
            raise _raised(exchange, refusal(400, "invalid_request", "This cannot be metered, so it is not served."))
        if exchange.grant is None:
            try:
                data["model"] = await _ask(exchange, running, data)
            except Refused as error:
                raise _raised(exchange, error) from None
        elif tier_of(data.get("model")) != exchange.grant.channel_tier:  # LiteLLM begins anew, with a fallback
            raise _raised(exchange, unavailable("No upstream of the granted tier can be reached."))
        data.update(exchange.added)
        return data

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Json],
        messages: Any,
        request_kwargs: Json | None = None,
        parent_otel_span: Any = None,
    ) -> list[Json]:
        """Leave the deployments of the granted tier, whichever group a fallback chose."""
        exchange = CURRENT.get()
        if exchange is None or exchange.grant is None:
            return healthy_deployments
        tier = exchange.grant.channel_tier
        return [deployment for deployment in healthy_deployments if tier_of(deployment.get("model_name")) == tier]

    async def async_pre_call_deployment_hook(self, kwargs: Json, call_type: Any) -> Json | None:
        """Note which tier serves the attempt; raises where it must not begin."""
        exchange = CURRENT.get()
        if exchange is None or exchange.grant is None:
            return None
        if exchange.grant.claimed or (exchange.attempts == 0 and not exchange.grant.may_start()):
            raise _raised(exchange, unavailable("The grant is too old to begin the request."))
        metadata = kwargs.get("litellm_metadata") or kwargs.get("metadata") or {}
        tier = tier_of(metadata.get("model_group"))
        if tier is not None and tier != exchange.grant.channel_tier:
            raise _raised(exchange, unavailable("No upstream of the granted tier can be reached."))
        if exchange.seen.output:
            raise _raised(exchange, unavailable("The stream broke; a grant is for one upstream request."))
        exchange.refused = None
        exchange.attempts += 1
        exchange.served_tier = tier
        exchange.translated = getattr(call_type, "value", call_type) not in CALL_TYPES[exchange.kind]
        return None

    async def async_post_call_success_hook(self, data: Json, user_api_key_dict: Any, response: Any) -> Any:
        """Note the usage of a whole answer."""
        exchange = CURRENT.get()
        if exchange is not None and exchange.grant is not None:
            try:
                _note_answer(exchange, response)
            except Exception:
                LOG.exception("An answer could not be read: the estimate is booked.")
                exchange.lost = True
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: AsyncIterator[Any], request_data: Json
    ) -> AsyncGenerator[Any, None]:
        """Note what a stream brings, chunk by chunk, before it is handed on."""
        exchange = CURRENT.get()
        if exchange is not None:
            exchange.seen.raw = lambda: getattr(response, "chunks", None)
        try:
            async for chunk in response:
                if exchange is not None:
                    _note_chunk(exchange, chunk)
                yield chunk
        except Exception:
            if exchange is not None:
                exchange.seen.failed = True
            raise


async def _ask(exchange: Exchange, running: Runtime, data: Json) -> str:
    """Get the grant, note what is to be added to the request, and give the group that serves it."""
    policies, settings = running.client.policies, running.settings
    asked = estimate(
        exchange.kind,
        exchange.body,
        exchange.size,
        unknown_output=policies.unknown_output,
        least_output=settings.least_output,
        image_tokens=settings.image_tokens,
    )
    grant = await running.client.authorize(exchange.key, exchange.model, asked.units, minimum=asked.minimum)
    exchange.grant = grant
    if grant.unit != _UNITS.get(exchange.kind, "tokens"):
        raise refusal(
            400, "invalid_request", f"This model's use is counted in {grant.unit}: it is not served here.", "model"
        )
    group = group_of(exchange.model, grant.channel_tier)
    if group not in groups_of_proxy():
        LOG.error("There is no model group %r: what is sold of it cannot be served.", group)
        raise unavailable("No upstream of the granted tier is set up.", retry_after=60)
    if asked.bound is not None:  # the customer bounded nothing: what is held does
        exchange.added[asked.bound] = asked.output_for(grant.held_units)
    if exchange.kind == "chat" and data.get("stream") is True and "stream_options" not in exchange.body:
        exchange.added |= _asking_for_usage(group)
    return group


def _asking_for_usage(group: str) -> Json:
    """What has the upstream tell its usage at the end of a stream, without the customer seeing it.

    LiteLLM does so by itself, but looked at the model's name before it was the group's.
    """
    from litellm.proxy import common_request_processing, proxy_server  # noqa: PLC0415 - loaded by then

    supported = common_request_processing._model_deployments_support_stream_options  # noqa: SLF001
    if not supported(model=group, llm_router=proxy_server.llm_router, team_id=None):
        return {}
    return {"stream_options": {"include_usage": True}, "_litellm_strip_stream_usage": True}


def groups_of_proxy() -> set[str]:
    """The model groups that the proxy has at this moment."""
    from litellm.proxy import proxy_server  # noqa: PLC0415 - it imports its configuration's modules in turn

    router: Any = proxy_server.llm_router
    return set(router.get_model_names()) if router is not None else set()


def _note_answer(exchange: Exchange, response: Any) -> None:
    if exchange.kind == "images":
        exchange.reported = upstream_usage.images_of(response)
        return
    exchange.reported = upstream_usage.units_of(exchange.kind, upstream_usage.plain(response).get("usage"))
    if exchange.reported is None:
        exchange.seen.texts = upstream_usage.text_of(exchange.kind, response)
        exchange.seen.output = True


def _note_chunk(exchange: Exchange, chunk: Any) -> None:
    try:
        exchange.seen.chunk(chunk)
    except Exception:
        LOG.exception("A chunk could not be read.")
        exchange.lost = True


def _raised(exchange: Exchange | None, refused: Refused) -> ProxyException:
    """What LiteLLM is told of a refusal; the ASGI layer answers the customer in its client's own form."""
    if exchange is not None:
        exchange.refused = refused
    return ProxyException(
        message=refused.message, type=refused.type, param=refused.param, code=refused.status, openai_code=refused.code
    )


modelpass: Final = Modelpass()
"""The instance that LiteLLM's configuration names."""
