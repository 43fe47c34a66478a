"""What an account bought: subscriptions, terms, keys, plans, and the account's one place."""
