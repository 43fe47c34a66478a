"""What a process is given at its start: its settings, clock, randomness and store, and the log's line."""
