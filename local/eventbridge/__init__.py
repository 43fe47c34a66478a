"""EventBridge: the pipe from the stream of the events to the bus, and who listens there."""
