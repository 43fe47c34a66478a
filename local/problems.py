"""What keeps the stack from starting. Rule: one clear sentence for the person at the terminal, never a traceback."""


class StartError(Exception):
    """The stack cannot start; the message says why and what to do."""
