"""The door of customers and operators, by the HTTP API: requests are checked, commands called, outcomes shown."""
