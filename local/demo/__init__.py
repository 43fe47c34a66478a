"""The story that `make demo` tells. Rule: it calls a running stack as customers and routers do, and checks answers."""
