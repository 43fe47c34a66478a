"""The commands on one entitlement: authorize, settle, and the reset's work on it."""
