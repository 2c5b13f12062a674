"""AWS Signature Version 4 as a request carries it. The service verifies it."""
