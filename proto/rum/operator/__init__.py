"""The protobuf package `rum.operator`; import `rum.operator.v1`."""
