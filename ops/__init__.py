"""Tools for deployments on AWS: audit, upgrade, restore, seed. Rule: never deployed; imports no local stack."""
