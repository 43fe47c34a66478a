"""Start of authorize and settle: what they load is listed here, module by module, so that nothing joins unseen."""

from __future__ import annotations

import sys

import pytest

from tests.support.start import modules_of, outermost

OF_OTHERS = frozenset({"tzdata"})
"""Whatever is neither Python's own nor ours."""
OF_PYTHON = frozenset(
    {
        *("__future__", "abc", "base64", "binascii", "bisect", "codecs", "collections", "contextlib", "contextvars"),
        *("copyreg", "datetime", "decimal", "enum", "functools", "genericpath", "hashlib", "hmac", "importlib", "io"),
        *("itertools", "json", "keyword", "math", "numbers", "operator", "os", "posixpath", "random", "re", "reprlib"),
        *("stat", "string", "struct", "sys", "sysconfig", "time", "types", "typing", "warnings", "weakref", "zlib"),
        *("array", "errno", "select", "selectors", "socket", "ssl"),  # for the connection
        "zoneinfo",
    }
)
"""Whatever of Python's own is not private, by its outermost name."""
HEAVY = frozenset({"boto3", "botocore", "urllib3", "email", "http", "logging", "urllib"})


@pytest.mark.parametrize("function", ["authorize", "settle"])
def test_function_of_the_hot_path_loads_what_is_listed_and_no_more(function: str) -> None:
    loaded = outermost(modules_of(function, store_client="lean"))
    of_python = {name for name in loaded if name in sys.stdlib_module_names}
    assert loaded - of_python - {"modelpass"} == OF_OTHERS
    assert {name for name in of_python if not name.startswith("_")} <= OF_PYTHON
    assert loaded.isdisjoint(HEAVY)


def test_what_is_heavy_is_seen_where_it_is_loaded() -> None:
    assert outermost(modules_of("authorize", store_client="boto3")) >= HEAVY
