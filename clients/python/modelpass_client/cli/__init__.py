"""The command line `modelpass`, for operators and scripts. Rule: it speaks to the HTTP API, and decides nothing itself.

It is the extra `cli` of the distribution: nothing else of the package imports it, and it imports Typer and Rich.
"""
