"""Modelpass: who may use which AI model, how often and how much, decided in one conditional write.

The modules here are the words that all rooms share. `catalogue`, `entitlements` and `subscriptions` are wings: pure
modules, and `commands` that carry something out. `dynamodb` carries requests, `runtime` holds what a process is given.
`router`, `api` and `schedule` are the doors. `docs/architecture.md` draws the map; a test enforces who imports whom.
"""
