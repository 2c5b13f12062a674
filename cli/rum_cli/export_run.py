"""Run an export: slices of the log in several processes, finished in the order of the log."""

from __future__ import annotations

__all__ = ["SLICE_BATCHES", "run_export"]

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing.sharedctypes import Synchronized

from rum.v1.data_plane_service_pb2 import PutRumEventsRequest
from rum_cli.export_folder import ExportFolder, FolderError
from rum_cli.export_slices import Exported, Slice, SliceExport, begin_worker, export_slice
from rum_service.storage.slices import LogSlices

# About 10 seconds of work. A slice that is not finished has to be written again.
SLICE_BATCHES = 16_384
_POLL_S = 0.2
_ANY_TIME = 2**62


def run_export(
    export: SliceExport,
    folder: ExportFolder,
    slices: LogSlices,
    *,
    jobs: int,
    progress: Callable[[int, int], None],
) -> None:
    """Export the batches that the folder does not contain yet. It must have a manifest.

    Args:
        progress: called with the number of batches that have been read, and the number in total.

    Raises:
        FolderError: the folder has the export of another log.
        OSError: the files cannot be written.
    """
    manifest = folder.manifest
    _check_log(slices, export.monitor.key, manifest.through, manifest.last_batch)
    bounds = slices.bounds(export.monitor.key, after=manifest.through, size=SLICE_BATCHES)
    parts = [Slice(*pair) for pair in pairwise([manifest.through, *bounds])]
    if not parts:
        return
    total = slices.count(export.monitor.key, after=manifest.through)
    context = multiprocessing.get_context("spawn")
    read: Synchronized[int] = context.Value("Q", 0)
    with _pool(min(jobs, len(parts)), read) as pool:
        futures = [(part, pool.submit(export_slice, export, part)) for part in parts]
        for part, future in futures:
            found = _result(future, lambda: progress(read.value, total))
            folder.finish(
                found.files,
                through=part.through,
                last_batch=found.last_batch,
                damaged=found.damaged,
            )


@contextmanager
def _pool(jobs: int, read: Synchronized[int]) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of processes. They end when the block ends or raises."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        jobs, context, initializer=begin_worker, initargs=(read, os.getpid())
    )
    try:
        yield pool
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _result(future: Future[Exported], update: Callable[[], None]) -> Exported:
    while not future.done():
        wait([future], timeout=_POLL_S)
        update()
    try:
        return future.result()
    except BrokenProcessPool:
        raise OSError("a process of the export was killed; run the command again") from None


def _check_log(slices: LogSlices, app_monitor: int, sequence: int, batch_id: str) -> None:
    """Check that the log still has the last exported batch, unless that was deleted."""
    found = slices.read(
        app_monitor,
        after=sequence - 1,
        through=sequence,
        earliest_ms=-_ANY_TIME,
        latest_ms=_ANY_TIME,
    )
    for batch in found:
        if batch.is_damaged:
            return
        if batch_id and PutRumEventsRequest.FromString(batch.content).batch_id != batch_id:
            raise FolderError(
                "the folder has the export of another database, or of a later state of this one;"
                " export to another folder"
            )
