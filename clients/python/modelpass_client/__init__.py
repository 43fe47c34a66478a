"""What a model router needs to ask Modelpass before each request, and to report afterwards what was used.

Importing this package starts nothing, prints nothing, loads no AWS SDK and changes nothing of the process.
"""
