"""The provider's pages. Rule: no script, no style but `STYLE`, and every text that was sent is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from local.identity.clients import PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STYLE_PATH: Final = f"{PATH}/style.css"
STYLE: Final = """:root { color-scheme: light dark; --text: #1b1f24; --back: #f4f5f7; --card: #fff; --line: #767c85;
  --act: #0b57d0; --on-act: #fff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e8eb; --back: #121417; --card: #1d2024; --line: #8b929c; --act: #a8c7fa; --on-act: #0b1d3a;
    --bad: #f2b8b5; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
main { max-width: 26rem; margin: 4vh auto; padding: 1.5rem; border-radius: .75rem; background: var(--card); }
h1 { margin: 0 0 .5rem; font-size: 1.4rem; line-height: 1.25; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
label { display: block; margin-top: 1rem; font-weight: 600; }
label.choice { display: flex; gap: .6rem; align-items: center; min-height: 2.75rem; font-weight: 400; }
input[type=text] { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--line); border-radius: .5rem; }
input[type=checkbox] { width: 1.25rem; height: 1.25rem; }
button { min-height: 2.75rem; margin: .75rem .5rem 0 0; padding: .5rem 1.1rem; font: inherit; max-width: 100%;
  overflow-wrap: anywhere; color: inherit; background: transparent; border: 1px solid var(--line);
  border-radius: .5rem; cursor: pointer; }
button.main { color: var(--on-act); background: var(--act); border-color: var(--act); font-weight: 600; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
.bad { color: var(--bad); font-weight: 600; }
.code { font: 600 1.5rem/1.5 ui-monospace, monospace; letter-spacing: .1em; }
"""


def page(title: str, body: str) -> str:
    """A whole page; `body` is HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - Modelpass</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{STYLE_PATH}">
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""


def told(title: str, *sentences: str) -> str:
    """A page that tells something and asks nothing."""
    return page(title, "\n".join(f"<p>{escape(sentence)}</p>" for sentence in sentences))


class Asked:
    """What the page that asks for an account is about: who asks, what for, and what was typed before."""

    def __init__(self, client: str, *, offers_operator: bool, account: str, known: Iterable[str]) -> None:
        self.client, self.offers_operator, self.account, self.known = client, offers_operator, account, known


def sign_in(asked: Asked, action: str, kept: Mapping[str, str], *, wrong: str = "", user_code: str = "") -> str:
    """The page where the account is chosen; `kept` is sent back with the choice, and `wrong` says what was amiss."""
    shown = f'<p>A device shows this code. Go on only if it is yours:</p>\n<p class="code">{escape(user_code)}</p>'
    hidden = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in kept.items()
    )
    return page(
        "Sign in",
        f"""<p>{escape(asked.client)} asks who you are. This is the sign-in of a stack on this machine, so there is no
password: any account will do, and a new name is a new account.</p>
{shown if user_code else ""}
<form method="post" action="{PATH}/{action}">
{hidden}
<label for="account">Account</label>
<input type="text" id="account" name="account" value="{escape(asked.account)}" autocomplete="username"
  autocapitalize="none" spellcheck="false" required{_described(wrong)}>
{_wrong("account", wrong)}
{_OPERATOR if asked.offers_operator else ""}
<button class="main" name="decision" value="allow">Sign in</button>
<button name="decision" value="deny" formnovalidate>Cancel</button>
{_known(asked.known)}
</form>""",
    )


def type_code(typed: str = "", wrong: str = "") -> str:
    """The page where the code is typed that a device shows."""
    return page(
        "Connect a device",
        f"""<p>Type the code that the device or the command line shows.</p>
<form method="post" action="{PATH}/device">
<label for="user_code">Code</label>
<input type="text" id="user_code" name="user_code" value="{escape(typed)}" autocomplete="off"
  autocapitalize="characters" spellcheck="false" required{_described(wrong, "user_code")}>
{_wrong("user_code", wrong)}
<button class="main">Go on</button>
</form>""",
    )


_OPERATOR: Final = """<label class="choice"><input type="checkbox" name="operator" value="yes" checked>
Sign in as an operator</label>"""


def _described(wrong: str, field: str = "account") -> str:
    return f' aria-invalid="true" aria-describedby="{field}-wrong"' if wrong else ""


def _wrong(field: str, wrong: str) -> str:
    return f'<p class="bad" id="{field}-wrong" role="alert">{escape(wrong)}</p>' if wrong else ""


def _known(accounts: Iterable[str]) -> str:
    buttons = "\n".join(
        f'<button name="known" value="{escape(account)}" formnovalidate>{escape(account)}</button>'
        for account in accounts
    )
    return f"<h2>Or one that was here before</h2>\n{buttons}" if buttons else ""
