"""A grant: the right to make one upstream request, and the duty to report once what it used. Rule: it never blocks."""

from __future__ import annotations


class Grant:
    """The right to make one upstream request."""
