"""A LiteLLM proxy of which the customers' keys, limits and counters are Modelpass's. Rule: nothing unmetered passes.

Three lines set it up: `auth.user_api_key_auth` and `callback.modelpass` in LiteLLM's configuration, and `asgi:app` as
the application that the server runs. Each refuses to work without the others. docs/litellm.md tells how it is used.

    server ── asgi ── LiteLLM ── auth ── callback ── router ── upstream
               │                          │
               │                          └ asks for the grant, chooses the tier's group, notes what the upstream says
               └ lets nothing else in, renders refusals and limits, and settles when the exchange has ended
"""
