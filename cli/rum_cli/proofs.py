"""Formats erasure proofs as text and JSON. `openrum erase` and its list print the same.

The proof does not contain the ID. `printf %s ID | sha256sum` shows that it is about this ID.
"""

from __future__ import annotations

__all__ = ["amount_document", "amount_text", "damaged_text", "proof_document", "proof_text"]

from typing import Any

from rum.operator.v1.operator_service_pb2 import ErasedAmount, Erasure
from rum_cli.counted import counted
from rum_cli.output import printable, utc


def proof_text(erasure: Erasure) -> str:
    """Return the proof in some lines."""
    begun = utc(erasure.start_time.ToJsonString())
    end = "not finished"
    if erasure.HasField("finish_time"):
        end = utc(erasure.finish_time.ToJsonString())
    amount = erasure.amount
    lines = {
        f"Erasure {erasure.id}": f"app monitor {erasure.app_monitor_name}",
        "What": f"{erasure.subject_kind}, SHA-256 of the ID:",
        "": erasure.subject_sha256,
        "Erased": amount_text(amount),
        "Freed": counted(amount.stored_bytes, "byte") + " in the log",
        "Searched": f"batches up to sequence {erasure.through_sequence}",
        "When": f"{begun} to {end} UTC" if erasure.HasField("finish_time") else f"{begun}, {end}",
        "By": erasure.erased_by,
    }
    if erasure.damaged_batches:
        lines["Damaged"] = damaged_text(erasure)
    width = max(map(len, lines)) + 2
    return "\n".join(f"{title:{width}}{printable(text)}" for title, text in lines.items())


def proof_document(erasure: Erasure) -> dict[str, Any]:
    """Return the proof as JSON. Without FinishTime, the erasure has not finished."""
    document = {
        "Id": erasure.id,
        "AppMonitorName": erasure.app_monitor_name,
        "SubjectKind": erasure.subject_kind,
        "SubjectSha256": erasure.subject_sha256,
        **amount_document(erasure.amount),
        "StoredBytes": erasure.amount.stored_bytes,
        "ThroughSequence": erasure.through_sequence,
        "StartTime": erasure.start_time.ToJsonString(),
        "ErasedBy": erasure.erased_by,
        "DamagedBatches": erasure.damaged_batches,
        "DamagedSequences": list(erasure.damaged_sequences),
    }
    if erasure.HasField("finish_time"):
        document["FinishTime"] = erasure.finish_time.ToJsonString()
    return document


def amount_text(amount: ErasedAmount) -> str:
    """Return how much was erased, in a few words."""
    batches = amount.deleted_batches + amount.rewritten_batches
    text = f"{counted(amount.events, 'event')} in {counted(batches, 'batch', 'batches')}"
    if not batches:
        return text
    return f"{text} ({amount.deleted_batches} deleted, {amount.rewritten_batches} rewritten)"


def damaged_text(erasure: Erasure) -> str:
    """Return which batches may contain more about the subject."""
    sequences = ", ".join(map(str, erasure.damaged_sequences))
    further = erasure.damaged_batches - len(erasure.damaged_sequences)
    more = f" and {further:,} more" if further else ""
    count = counted(erasure.damaged_batches, "batch", "batches")
    return f"{count} that may contain more, not erased: {sequences}{more}"


def amount_document(amount: ErasedAmount) -> dict[str, Any]:
    """Return how much was erased as JSON, without the bytes."""
    return {
        "DeletedBatches": amount.deleted_batches,
        "RewrittenBatches": amount.rewritten_batches,
        "Events": amount.events,
    }
