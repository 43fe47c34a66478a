"""The story that `make demo` tells: a customer, a router and an operator against a running stack."""
