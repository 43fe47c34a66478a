"""Carries requests to DynamoDB and brings back replies or failures. It knows nothing of what is stored."""
