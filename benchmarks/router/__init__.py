"""What `make bench-router` runs: a decision on the router's side, by each way and beside other limiters."""
