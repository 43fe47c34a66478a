"""Tools for deployments on AWS: audit, upgrade, restore, seed. Rule: never shipped; knows no local stack."""
