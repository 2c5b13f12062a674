"""The protobuf package `rum`; import `rum.v1`."""
