"""What keeps a command from being carried out. Rule: one clear sentence for people, no traceback."""


class CommandError(Exception):
    """The command cannot be carried out; the message says why, and what to do."""
