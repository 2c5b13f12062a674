"""The REST bridge of OpenRUM: a gRPC client with an HTTP face."""
