"""The contract of OpenRUM: protobuf messages and typed gRPC stubs."""
