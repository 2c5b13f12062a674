"""The way of a put: validate, authorize, wait for the commit."""
