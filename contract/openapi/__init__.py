"""The API's OpenAPI document, generated from the code. Rule: told by the code or told here once.

`customer` and `operator` list the operations, `parts` says what one is made of, `shapes` what is answered, `examples`
what is shown; `schemas`, `responses` and `document` put it in OpenAPI's words.
"""
