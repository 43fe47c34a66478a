"""The door of EventBridge's schedule: finds what is due, and calls the command that does it."""
