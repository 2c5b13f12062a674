"""Serializes the contract for a transcoder that knows no Python."""

from __future__ import annotations

__all__ = ["descriptor_set"]

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from rum.v1 import data_plane_service_pb2, errors_pb2


def descriptor_set() -> bytes:
    """Return a serialized FileDescriptorSet of the data plane, its errors and all imports."""
    found: dict[str, FileDescriptor] = {}
    _collect(data_plane_service_pb2.DESCRIPTOR, found)
    _collect(errors_pb2.DESCRIPTOR, found)
    result = FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(result.file.add())
    return result.SerializeToString()


def _collect(file: FileDescriptor, found: dict[str, FileDescriptor]) -> None:
    """Add a file after its imports, as a FileDescriptorSet needs them."""
    for imported in file.dependencies:
        _collect(imported, found)
    found.setdefault(file.name, file)
