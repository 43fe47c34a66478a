"""The measurements of `make bench`, `bench-against`, `bench-peers`, `cost` and `scale`. Rule: never deployed.

A time is compared only with times of the same run; what is counted is exact.
"""
