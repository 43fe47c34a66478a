"""What is done to one entitlement: authorize, settle, and the reset's share."""
