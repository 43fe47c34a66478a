"""The measurements of `make bench`, `cost`, `reliability`, `scale` and their like. Rule: never deployed.

A time is compared only with times of the same run; what is counted is exact.
"""
