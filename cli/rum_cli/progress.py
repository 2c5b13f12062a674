"""A progress bar on standard error, where that is a terminal."""

from __future__ import annotations

__all__ = ["progress_bar"]

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the context is open.

    Yields a function that takes how much is done and how much there is.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = TextColumn(label), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(label)

        def update(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield update
