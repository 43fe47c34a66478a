"""Stands for EventBridge: the pipe from the events table's stream, and the bus. Rule: only what the template says."""
