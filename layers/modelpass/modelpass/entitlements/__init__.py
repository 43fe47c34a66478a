"""One model of one term of a subscription: the item that decides a request, and all that happens to it."""
