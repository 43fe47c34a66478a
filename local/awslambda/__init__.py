"""Lambda: a pool of environments for each function, as processes or in AWS's own runtime emulator."""
