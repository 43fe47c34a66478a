"""What customers, operators and the reset do to subscriptions, and what is asked of them."""
