"""What is built from what. Nothing runs or listens until a Service is started."""
