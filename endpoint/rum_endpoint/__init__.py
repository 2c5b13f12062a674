"""Code that the service, the bridge and the command share about addresses, TLS files and calls."""
