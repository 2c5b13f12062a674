"""A disk that takes its time: fsync and fdatasync of a process wait before they return."""

from __future__ import annotations

__all__ = ["SlowDisk"]

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_as_told(void)
{
    unsigned milliseconds = 0;
    FILE *file = fopen(getenv("SLOW_DISK_FILE"), "r");
    if (file) {
        if (fscanf(file, "%u", &milliseconds) == 1)
            usleep(milliseconds * 1000);
        fclose(file);
    }
}

int fsync(int fd)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    wait_as_told();
    return real(fd);
}

int fdatasync(int fd)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    wait_as_told();
    return real(fd);
}
"""


class SlowDisk:
    """What a process needs to see a slow disk. Start it with the variables in `environment`."""

    def __init__(self, folder: Path) -> None:
        """Build the library in a folder. The disk is fast at first.

        Raises:
            RuntimeError: there is no C compiler.
        """
        if shutil.which("cc") is None:
            raise RuntimeError("The slow disk is a small library in C: install a compiler (gcc).")
        source, library = folder / "slow_disk.c", folder / "slow_disk.so"
        source.write_text(_SOURCE)
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
        subprocess.run(command, check=True, timeout=60)
        self._file = folder / "slow_disk_ms"
        self.environment = {"LD_PRELOAD": str(library), "SLOW_DISK_FILE": str(self._file)}

    @contextmanager
    def taking(self, seconds: float) -> Iterator[None]:
        """Make each fsync take this long while the context is open."""
        self._file.write_text(str(round(seconds * 1000)))
        try:
            yield
        finally:
            self._file.unlink()
