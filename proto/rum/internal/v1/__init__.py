"""The contract between a bridge and the service."""
