"""Parse AWS Signature Version 4 in a request. The service verifies the signature."""
