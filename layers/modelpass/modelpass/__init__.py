"""Modelpass: who may use which AI model, how often and how much, decided in one conditional write.

Pure core (no boto3, os, time, uuid, logging; enforced by a test):
`model`, `schema`, `errors`, `windows`, `keys`, `idempotency`, `items`, `subscription_items`, `rules`, `change_parts`,
`changes`, `thresholds`, `writes`, `steps`, `history`, `purchases`, `places`, `revocations`, `events`, `payloads`,
`lasting`, `tiers_down`, `catalogue`, `listings`, `pricing`, `paging`, `daily_usage`, `answers`, `macs`, `spelling`,
`sigv4`, `dynamodb_json`, `http1`, `amazon_roots`.
Edge: `store` is the seam to DynamoDB, `store_lean` and `store_boto3` carry it out, `attempts` says how often;
`commands_*` hold the use cases, `entitlements`, `subscriptions`, `unfinished`, `availability`, `known` and `offers`
what they share; `http`, `request_body`, `purchase_body`, `catalogue_body`, `operator_bodies` and `router` translate
what comes in and goes out; `config`, `telemetry`, `tracing`, `deps` and `wiring` are built once at cold start.
"""
