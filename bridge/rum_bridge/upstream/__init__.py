"""Calls of the service: channels, stored batches, questions about callers and app monitors."""
