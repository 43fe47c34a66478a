"""`python -m local expanded`: prints the template as CloudFormation gets it. Rule: adds nothing of ours."""

from __future__ import annotations

import json
import sys

from local import settings
from local.cloudformation.template import load
from ops.errors import CommandError


def main() -> int:
    """Print the expanded template; 0, or 1 when it is broken."""
    try:
        expanded = load(settings.template_file(), settings.parameters())
    except CommandError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    del expanded["LocalFolders"]
    json.dump(expanded, sys.stdout, indent=1)
    return 0
