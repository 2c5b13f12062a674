"""Notice that a SQLite database's files were deleted, renamed or replaced.

SQLite continues to use the files that it has open. A commit to a deleted file succeeds, but its
data is lost when the process ends.
"""

from __future__ import annotations

__all__ = ["DatabaseFiles", "FilesReplacedError"]

import os


class FilesReplacedError(Exception):
    """An open database's path leads to another file, or to none."""


class DatabaseFiles:
    """The database file and its write-ahead log, as they were when the database was opened.

    Both keep their inode as long as a connection is open, and no other file can get it.

    Args:
        path: the database file. A connection that has read from it must stay open.
    """

    def __init__(self, path: str) -> None:
        self._database, self._wal = path, f"{path}-wal"
        self._inodes = self._found()

    def check(self) -> None:
        """Raise FilesReplacedError unless the paths lead to the same files. Costs 3.6 µs."""
        try:
            found = self._found()
        except OSError as error:
            raise FilesReplacedError(
                f"{error.filename}: {error.strerror}. Nothing is stored until you put the file"
                " back. Without it, restart OpenRUM after you restored a backup."
            ) from None
        if found != self._inodes:
            raise FilesReplacedError(
                f"{self._database} or its -wal file was replaced while it was open. Nothing is"
                " stored until you restart OpenRUM, which opens the new file, or put the old one"
                " back."
            )

    def _found(self) -> tuple[int, int, int, int]:
        # os.stat takes half the time of Path.stat.
        database, wal = os.stat(self._database), os.stat(self._wal)  # noqa: PTH116
        return database.st_dev, database.st_ino, wal.st_dev, wal.st_ino
