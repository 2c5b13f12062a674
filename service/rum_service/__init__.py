"""The gRPC server of OpenRUM: validates, stores, reads back."""
