"""Stands for CloudFormation and SAM: reads `template.yaml`. Rule: refuses what cannot be applied here."""
