"""Translates erasures between messages and records. Pure."""

from __future__ import annotations

__all__ = ["erasure_message", "subject_of"]

from rum.operator.v1 import operator_service_pb2 as pb
from rum_service.errors import ValidationException
from rum_service.events.identifiers import UUID_PATTERN, is_uuid
from rum_service.events.subjects import Subject
from rum_service.storage.records import ErasureRecord

_NIL_UUID = "00000000-0000-0000-0000-000000000000"


def subject_of(message: pb.ErasureSubject) -> Subject:
    """Return the subject in a request. Raises ValidationException."""
    member = message.WhichOneof("id")
    if member is None:
        raise ValidationException("subject.user_id or subject.session_id is required.")
    subject_id = str(getattr(message, member))
    if not is_uuid(subject_id):
        raise ValidationException(f"subject.{member} must match {UUID_PATTERN}.")
    if subject_id == _NIL_UUID:
        raise ValidationException(
            f"subject.{member} must not be the nil UUID, which all users without cookies share."
        )
    return Subject(member.removesuffix("_id"), subject_id.lower())


def erasure_message(record: ErasureRecord) -> pb.Erasure:
    """Return an erasure's proof, without its progress."""
    erasure = pb.Erasure(
        id=record.key,
        app_monitor_name=record.app_monitor_name,
        subject_kind=record.kind,
        subject_sha256=record.digest.hex(),
        amount=pb.ErasedAmount(
            deleted_batches=record.deleted_batches,
            rewritten_batches=record.rewritten_batches,
            events=record.events,
            stored_bytes=record.bytes,
        ),
        erased_by=record.erased_by,
        through_sequence=record.through_sequence,
        damaged_batches=record.damaged_batches,
        damaged_sequences=record.damaged_sequences,
    )
    erasure.start_time.FromMilliseconds(record.began_ms)
    if record.finished_ms is not None:
        erasure.finish_time.FromMilliseconds(record.finished_ms)
    return erasure
