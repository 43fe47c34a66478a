"""The error of a command that cannot be carried out. Rule: its message is one clear sentence that people are shown."""


class CommandError(Exception):
    """The command cannot be carried out; the message says why, and what to do."""
