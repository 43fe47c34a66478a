"""Modelpass: who may use which AI model, how often and how much, decided in one conditional write.

Pure core (no boto3, os, time, uuid, logging; enforced by a test):
`model`, `errors`, `windows`, `keys`, `items`, `rules`, `changes`, `writes`, `payloads`, `catalogue`, `answers`.
Edge: `store` talks to DynamoDB, `commands_*` hold one use case each, `http` and `router` translate events,
`config`, `telemetry` and `wiring` are built once at cold start.
"""
