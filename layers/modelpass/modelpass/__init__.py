"""Modelpass: who may use which AI model, how often and how much, decided in one conditional write.

The modules of this folder are pure and are shared by all packages below it. `catalogue`, `entitlements` and
`subscriptions` are wings: each has pure modules, and a package `commands` that reads and writes the store. `dynamodb`
carries requests to DynamoDB, and `runtime` holds what a process is given: settings, clock, randomness, log. `router`,
`api` and `schedule` are the doors through which requests come in. `docs/architecture.md` draws the map, and a test
enforces which module may import which.
"""
