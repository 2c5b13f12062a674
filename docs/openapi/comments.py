"""The comments of proto/rum/v1, as descriptions of the REST form."""

from __future__ import annotations

__all__ = ["Comments"]

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

_PROTO = Path(__file__).parents[2] / "proto"
# What matters over gRPC only, or is in the document already: the place of a parameter.
_LEFT_OUT = re.compile(
    r" In the REST form[^.]*\.| gRPC [A-Z_]+, HTTP \d+\.|,? each as details\[0\] of [\w.]+(?=\.)"
)
_REQUIRED = re.compile(r"\bRequired(,|\.| in the REST form)")


class Comments:
    """Comments by the name of the message, the rpc, or the field as `Message.field`."""

    def __init__(self, comments: dict[str, str]) -> None:
        self._comments = comments

    @classmethod
    def of_contract(cls) -> Comments:
        """Compile the .proto files with their comments, which generated code does not keep."""
        files = sorted(str(path) for path in _PROTO.glob("rum/v1/*.proto"))
        with tempfile.NamedTemporaryFile() as out:
            folders = (_PROTO, _PROTO / "third_party", resources.files("grpc_tools") / "_proto")
            arguments = [f"-I{folder}" for folder in folders]
            arguments += ["--include_source_info", f"--descriptor_set_out={out.name}"]
            protoc = [sys.executable, "-m", "grpc_tools.protoc"]
            # `make proto` shows warnings.
            ended = subprocess.run(  # noqa: S603 - the arguments are constants
                [*protoc, *arguments, *files], check=False, capture_output=True, text=True
            )
            if ended.returncode:
                raise ValueError(f"protoc failed: {ended.stderr}")
            compiled = FileDescriptorSet.FromString(Path(out.name).read_bytes())
        return cls({name: text for file in compiled.file for name, text in _in_file(file)})

    def of(self, name: str) -> str:
        """Return the description of a message or an rpc."""
        return _description(name, self._comments[name].split("\n\n"))

    def of_field(self, field: FieldDescriptor) -> str:
        """Return the description of a field, or "" for the fields of maps."""
        comment = self._comments.get(_name(field), "")
        return _description(field.name, comment.split("\n\n"))

    def requires(self, field: FieldDescriptor) -> bool:
        """Return whether the comment of a field says that the field is required."""
        return bool(_REQUIRED.search(" ".join(self._comments.get(_name(field), "").split())))


def _name(field: FieldDescriptor) -> str:
    return f"{field.containing_type.name}.{field.name}"


def _in_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        if location.leading_comments and (name := _element(file, list(location.path))):
            lines = (line.removeprefix(" ") for line in location.leading_comments.splitlines())
            yield name, "\n".join(lines)


def _element(file: FileDescriptorProto, path: list[int]) -> str | None:
    # The numbers of the fields in descriptor.proto.
    match path:
        case [4, message]:
            return file.message_type[message].name
        case [4, message, 2, field]:
            inside = file.message_type[message]
            return f"{inside.name}.{inside.field[field].name}"
        case [6, service, 2, method]:
            return file.service[service].method[method].name
    return None


def _description(name: str, paragraphs: list[str]) -> str:
    """Return the prose of a comment, without its subject, which is the element itself."""
    prose = (" ".join(part.split()) for part in paragraphs if not part.startswith("    "))
    text = " ".join(part for part in prose if not part.startswith("HTTP/"))
    text = _LEFT_OUT.sub("", " " + text.partition("Source: ")[0]).strip()
    text = re.sub(rf"^{name} ((is|are|means that) )?", "", text)
    return text[:1].upper() + text[1:]
