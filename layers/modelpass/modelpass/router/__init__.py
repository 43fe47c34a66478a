"""The model router's door, by Lambda Invoke and from a queue: payloads are checked, and commands called."""
