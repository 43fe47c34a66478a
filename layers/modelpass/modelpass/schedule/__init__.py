"""The door of EventBridge's schedule: finds what is due, and has the commands of the wings carry it out."""
