"""Storing batches: authorize, validate, and wait for the commit."""
