"""Stands for API Gateway's HTTP API: routes, tokens, CORS, events in and responses out. Rule: answers as AWS does."""
