"""A LiteLLM proxy of which the customers' keys, limits and counters are Modelpass's. Rule: nothing unmetered passes.

Three lines set it up: the function of `auth` and the instance of `callback` in LiteLLM's configuration, and the
application of `asgi` for the server to run. Each refuses to work without the others. The project's page on LiteLLM
tells how it is used.

    server ── asgi ── LiteLLM ── auth ── callback ── router ── upstream
               │                          │
               │                          └ asks for the grant, chooses the tier's group, notes what the upstream says
               └ lets nothing else in, renders refusals and limits, and settles when the exchange has ended
"""
