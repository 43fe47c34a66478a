"""The router's door for a process that is not ours: decisions in it, and nothing else of it is touched."""
