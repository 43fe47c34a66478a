"""The processes that are measured: each way of the client, and what it is held against."""
