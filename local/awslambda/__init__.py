"""Stands for AWS Lambda: runs each function in processes of its own, or in AWS's emulator of the runtime.

Rule: a function gets an event, a context and its own environment, as on AWS, and nothing of the stack besides.
"""
