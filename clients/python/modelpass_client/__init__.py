"""What a model router needs to ask Modelpass before each request, and to report afterwards what was used.

Importing this package starts nothing, prints nothing, loads no AWS SDK and changes nothing of the process.
"""

from modelpass_client.async_client import AsyncClient
from modelpass_client.backend import Backend, BackendError, Queue
from modelpass_client.client import Client
from modelpass_client.errors import ConfigurationError, ModelpassError, Refused
from modelpass_client.grant import Grant
from modelpass_client.policies import Policies
from modelpass_client.rendering import Rendered, anthropic_response, headers_of, openai_response
from modelpass_client.reports import VOID, Report, UsageSource
from modelpass_client.spool import Spool

__all__ = [
    "VOID",
    "AsyncClient",
    "Backend",
    "BackendError",
    "Client",
    "ConfigurationError",
    "Grant",
    "ModelpassError",
    "Policies",
    "Queue",
    "Refused",
    "Rendered",
    "Report",
    "Spool",
    "UsageSource",
    "anthropic_response",
    "headers_of",
    "openai_response",
]
