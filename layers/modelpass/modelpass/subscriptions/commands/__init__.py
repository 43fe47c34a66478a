"""What customers, operators and the reset do to subscriptions, one module for each call, and what they look at."""
