"""What a process is given at its start: settings, clock, chance, store, and the log."""
