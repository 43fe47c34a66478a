"""The local stack: the whole service on one machine, from `template.yaml`. Rule: never deployed.

It stands for what AWS does around the functions, each service in a folder of its own, and decides nothing that the
service decides.
"""
