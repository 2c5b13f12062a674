"""Run blocking store calls on an executor's threads, off the event loop."""

from __future__ import annotations

__all__ = ["on_thread"]

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def on_thread(
    executor: Executor, function: Callable[P, T], *arguments: P.args, **named: P.kwargs
) -> T:
    """Call `function` on a thread of `executor` and return its result."""
    call = partial(function, *arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(executor, call)
