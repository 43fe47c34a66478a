"""What an account bought: subscriptions, their terms and keys, plans, and the one place that only one of them holds."""
