"""The local stack: the whole service on one machine, from `template.yaml`. Rule: never ships, decides nothing."""
