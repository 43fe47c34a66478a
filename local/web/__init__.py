"""The HTTP server of the local stack: the API, Lambda's Invoke API, the reference page, and controls of its own."""
