"""The HTTP server of the local stack. Rule: it hands each request to whatever stands for the AWS service asked.

Beside the HTTP API and Lambda's Invoke API, it answers the reference page and the stack's own controls.
"""
