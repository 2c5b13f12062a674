"""The gRPC side of the service, and the only folder that imports grpc."""
