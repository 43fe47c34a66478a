"""The published contract, made from the code: OpenAPI document and event schemas. Rule: never deployed; no local stack.

The one exception: writing the document reads the routes of `template.yaml` by `local.cloudformation`.
"""
