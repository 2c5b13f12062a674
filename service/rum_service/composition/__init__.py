"""Builds the parts of the service. Nothing runs or listens until a Service is started."""
