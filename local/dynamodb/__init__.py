"""DynamoDB: the engine, its tables, and the stream of what changes in them."""
