"""Scripts that run in a peer's environment, each a process of its own. Rule: none imports what is not there."""
