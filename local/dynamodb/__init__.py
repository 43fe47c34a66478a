"""Stands for DynamoDB: the engine, its tables and their streams. Rule: tables are made as the template says."""
