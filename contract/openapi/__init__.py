"""The API's OpenAPI document, generated from the code. Rule: what the code says is taken from it.

What the code does not say is written here, once. `customer` and `operator` list the operations, `parts` defines what an
operation is described by, `shapes` what is answered, `examples` the values that are shown; `schemas`, `responses` and
`document` put all of it into OpenAPI's words.
"""
