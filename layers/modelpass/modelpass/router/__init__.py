"""The model router's door, by Lambda Invoke and from a queue: checks each payload, calls one command, answers."""
