"""What the environment says the local stack is to run, where, and with which data. Rule: it starts nothing.

A value that cannot be used raises `CommandError` with its variable's name.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from pathlib import Path
from typing import IO, Any, Final

from deploy import artifact
from local.cloudformation import template
from local.cloudformation.parameters import of_text as parameters_of_text
from local.machine import ROOT
from ops.errors import CommandError

_LARGEST_PORT: Final = 65_535
_ROUTER_URL: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?")
SECRETS_FILE: Final = "secrets.json"
_LOCK_FILE: Final = "stack.lock"
_OWN_FOLDER: Final = ROOT / ".local"  # git ignores it


def port() -> int:
    """The port of the API and the Lambda Invoke API."""
    text = os.environ.get("PORT") or "3000"
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= _LARGEST_PORT:
        raise CommandError(f"PORT must be a number from 1 to {_LARGEST_PORT}, not {text!r}.")
    return int(text)


def router_url() -> str:
    """The address of the router, which the console shows customers; `https://router.example/v1` when none is named."""
    text = os.environ.get("ROUTER_URL") or "https://router.example/v1"
    if not _ROUTER_URL.fullmatch(text):
        raise CommandError(f"ROUTER_URL must be an http or https URL without query and fragment, not {text!r}.")
    return text


def data_folder() -> Path | None:
    """Where data is kept on disk; None keeps it in memory."""
    text = os.environ.get("DATA")
    return Path(text).resolve() if text else None


def claimed(folder: Path) -> IO[str]:
    """Keep the data folder for this stack alone while the file is open; raises `CommandError` when it cannot be had."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK_FILE).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however it ends
        except OSError:
            file.close()
            raise
    except BlockingIOError:
        raise CommandError(f"A stack keeps its data in {folder}: stop it, or name another folder with DATA=…") from None
    except OSError as error:
        raise CommandError(f"Data cannot be kept in {folder}: {error.strerror}; name another with DATA=…") from None
    return file


def state_folder() -> Path:
    """Where the secrets and the log of this stack are kept: in the data folder where there is one."""
    return data_folder() or _OWN_FOLDER


def key_folder() -> Path:
    """Where the key that signs tokens is kept: beside the code, so that `make token` need not know the data folder."""
    return _OWN_FOLDER


def artifacts() -> Path | None:
    """The folder of a build, whose functions run in Lambda's runtime; None runs the sources."""
    text = os.environ.get("MODELPASS_ARTIFACTS")
    return ROOT / text if text else None


def code_folder() -> Path:
    """The folder that the template's own folders are in."""
    return artifacts() or ROOT


def lambda_python() -> str:
    """The version of Python that those functions were built for."""
    return os.environ.get("LAMBDA_PYTHON") or artifact.VERSION


def template_file() -> Path:
    """The template to run."""
    return code_folder() / os.environ.get("MODELPASS_TEMPLATE", "template.yaml")


def parameters() -> dict[str, str]:
    """The template's parameters that are set for this run; raises `CommandError`."""
    return parameters_of_text(os.environ.get("PARAMETERS", ""))


def chosen_template() -> template.Template:
    """The template and the parameters that were chosen, with new secrets; raises `CommandError`.

    It is for commands that need what the template says and no secret, such as the names of its tables.
    """
    expanded = template.load(template_file(), parameters())
    return template.read(expanded, code_folder(), template.secret_values(expanded))


def deployment_secrets(folder: Path, expanded: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    """The values of the template's secrets, the kept ones where there are; raises `CommandError` for damaged ones.

    They are kept with the data, for its API keys were signed with them.
    """
    path = folder / SECRETS_FILE
    try:
        if keep and path.exists():
            kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return kept
        values = template.secret_values(expanded)
        if keep:
            folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")  # a process that is killed in between leaves no half of it
            part.touch(0o600)
            part.write_text(json.dumps(values), "utf-8")
            part.replace(path)
    except ValueError:
        raise CommandError(f"{path} is damaged: without its secrets, the data beside it cannot be used.") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be kept: {error.strerror}.") from None
    return values
