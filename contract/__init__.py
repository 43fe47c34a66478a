"""What writes the published contract from the code: the OpenAPI document and the schemas of events. Never shipped."""
