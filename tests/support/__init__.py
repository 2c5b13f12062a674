"""Code that tests share: running servers, traffic, certificates, the in-memory store."""
