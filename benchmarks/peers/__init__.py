"""`make bench-peers`: Modelpass and its peers on the same engine in one run; what it prints is in `docs/peers.md`.

Rule: every figure of a row is measured in that run, by the same harness for all rows, ours among them. What cannot be
measured says why in its row.
"""
