"""CloudFormation and SAM: `template.yaml` as AWS reads it. Rule: what cannot be applied here is said, never guessed."""
