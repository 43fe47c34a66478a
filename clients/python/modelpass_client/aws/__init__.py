"""The ways to the service over AWS: Lambda Invoke and SQS by a small signed client, and boto3 for who asks for it.

Importing this package loads no AWS SDK; `credentials` loads botocore, and only where the environment holds none.
"""
