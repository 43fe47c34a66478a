"""`make cli-page`: writes `docs/cli.md` anew. Rule: what the page says of a command is what its `--help` says.

The words around the commands stand here. A test holds the page in the repository to what this gives.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from typer.main import get_command

from modelpass_client.cli.app import NAME, app
from modelpass_client.cli.exits import MEANINGS

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
_EVERYWHERE: Final = ("url", "as_json", "help")
"""What every command has, which is told once."""
_BEGINNING: Final = """# The command line

`modelpass` is for operators and for scripts: [sign in](#sign-in), look, and steer. `make cli-page` writes this page
from the commands themselves; each tells the same with `--help`.

| where | how |
|---|---|
| in a clone | `./modelpass catalogue list`, right after `make run`; the first time it sets up what it needs |
| anywhere | `pip install './clients/python[cli]'` in a clone; it needs Python 3.10 or newer, and Linux or macOS |

The tools of a clone (`audit`, `upgrade`, `restore`, `seed`) are not installed with it: they work in a clone, or where
`MODELPASS_CLONE` names one, and say so elsewhere. `make audit` and its like call them.

## Sign in

```sh
./modelpass login                # a customer's commands: `quote`, `buy`, and looking at what is your own
./modelpass login --operator     # all the others
```

It shows a page and a code. Open the page in any browser, on any machine, and confirm the code. Which identity provider
that is, the service says itself (`/config.json` at its address). The sign-in is kept in `modelpass/sessions.json` in
`XDG_CONFIG_HOME` (or `~/.config`), which is yours alone (mode 0600) and not used when others can read it; it is renewed
by itself for as long as the identity provider allows.

| variable | meaning |
|---|---|
| `MODELPASS_URL` | the address of the service or its console; by default http://127.0.0.1:3000 |
| `MODELPASS_TOKEN` | a token, for scripts; it comes before every sign-in and is kept nowhere |
| `MODELPASS_CLIENT_ID` | the public client that your identity provider knows the command line by |
| `NO_COLOR` | no colours |

On your machine, `MODELPASS_TOKEN=$(make -s token ACCOUNT=acct_demo SCOPE=operator)` needs no sign-in at all.

**Secrets** are never arguments, which other users of a machine can read, and are in no history: an API key comes by
standard input or a question that does not show it, a token from a sign-in or the environment. The key of a purchase is
shown once: in the terminal, in the new file that `--key-file` names (mode 0600), or with `--json` in what is printed,
for a program needs it; keep that output safe.

## For scripts

- `--json` prints one JSON document, or for a list one on each line, as the [API](api.md) has them. All else goes to
  standard error.
- Without a terminal nothing is coloured, cut or asked. What would be asked ends with status 2: `--yes` answers the
  question whether it is meant, `--reason` why. An operator's reasons are [logged](logs.md).
- A sale and a correction have an `Idempotency-Key`. Where no answer came (status 5), the options that make a repeat
  safe are shown; give your own with `--idempotency-key`, such as the number of a ticket.
- Numbers may be `5_000_000`, `5M` or `500k`; times are in RFC 3339, and a date alone is 0:00 in UTC.
- `modelpass --install-completion` lets bash, zsh, fish and PowerShell complete commands and options.

Every command has `--url URL`, `--json` and `--help`.

| exit status | meaning |
|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = "".join(f"| {status.value} | {meaning} |\n" for status, meaning in MEANINGS.items())
    described = [_described(name, command) for name, command in _commands(get_command(app))]
    return f"{_BEGINNING}{rows}\n## Commands\n\n" + "\n".join(described)


def _commands(root: Any) -> list[tuple[str, Any]]:
    """Every command by the words that are typed, in the order of `--help`."""
    found: list[tuple[str, Any]] = []
    for name, entry in root.commands.items():
        inner = getattr(entry, "commands", None)
        found += [(name, entry)] if inner is None else [(f"{name} {word}", one) for word, one in inner.items()]
    return found


def _described(name: str, command: Any) -> str:
    with command.make_context(f"{NAME} {name}", [], resilient_parsing=True) as context:
        usage = " ".join(command.collect_usage_pieces(context))
        rows = [one.get_help_record(context) for one in command.get_params(context) if one.name not in _EVERYWHERE]
    told = "\n".join(f"| `{_cell(option)}` | {_cell(text)} |" for option, text in filter(None, rows))
    examples = command.epilog.partition("\b\n")[2].replace("\n    ", "\n").strip()
    options = f"\n| | |\n|---|---|\n{told}\n" if told else ""
    return f"### `{name}`\n\n{command.help.strip()}\n\n```sh\n{examples}\n```\n\n`{NAME} {name} {usage}`\n{options}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.exit(0)
