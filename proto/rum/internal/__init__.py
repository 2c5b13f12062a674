"""The protobuf package `rum.internal`; import `rum.internal.v1`."""
