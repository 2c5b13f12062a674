"""PutRumEvents, from the bytes of a request to the batch that the service stores."""
