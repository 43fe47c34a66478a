"""What `make bench`, `make bench-peers`, `make cost` and `make scale` run. Rule: figures are ratios of one run."""
