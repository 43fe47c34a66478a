"""Stands for IAM: the policies of each function, and the gate that enforces them. Rule: as the template says."""
