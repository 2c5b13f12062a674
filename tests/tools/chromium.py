"""Drives a headless Chromium, which is installed from Debian's packages where it is missing.

Playwright runs in a thread with an event loop of its own: its synchronous interface would leave
a running loop behind in the main thread, and tests written as coroutines could not run then.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, Playwright, async_playwright
from playwright.async_api import Page as PlaywrightPage

from tests.tools.node import node_program
from tests.tools.toolbox import TOOLS, ToolMissingError, locked, run_installer

__all__ = ["Browser", "Page", "chromium", "chromium_program"]

T = TypeVar("T")

_ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # the sandbox does not work for root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing but this machine can be reached, whatever a page or the browser itself asks for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
_TIMEOUT_S = 60


class Page:
    """One page in a profile of its own; its methods block and may be called from any thread."""

    def __init__(self, page: PlaywrightPage, loop: asyncio.AbstractEventLoop) -> None:
        """Wraps `page`; must be called in the thread of `loop`."""
        self._page = page
        self._loop = loop
        self.console: list[str] = []
        """What the page wrote to its console, and its uncaught errors: for failing tests' messages."""
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))

    def open(self, url: str) -> None:
        """Goes to `url` and returns when it has loaded; the page that was open before is hidden first."""
        self.do(lambda page: page.goto(url))

    def evaluate(self, script: str, argument: object = None) -> object:
        """Calls a JavaScript function in the page, waits for its promise if any, and returns its value."""
        return self.do(lambda page: page.evaluate(script, argument))

    def wait_for(self, condition: str) -> None:
        """Waits until a JavaScript expression is true in the page."""
        self.do(lambda page: page.wait_for_function(condition))

    def close(self) -> None:
        """Closes the page as a user does: its `pagehide` handlers run."""
        self.do(lambda page: page.close(run_before_unload=True))

    def do(self, action: Callable[[PlaywrightPage], Awaitable[T]]) -> T:
        """Does anything else Playwright can do, for instance `do(lambda page: page.click("a"))`."""
        return _run(self._loop, lambda: action(self._page))


class Browser:
    """A running Chromium."""

    def __init__(self, program: Path) -> None:
        """Starts the browser with an empty profile."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="playwright", daemon=True
        )
        self._thread.start()
        self._playwright: Playwright | None = None
        self._browser: PlaywrightBrowser | None = None
        try:
            _run(self._loop, lambda: self._start(program))
        except BaseException:
            self.stop()
            raise

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Yields an empty page with cookies and caches of its own."""
        context, page = _run(self._loop, self._new_page)
        try:
            yield page
        finally:
            _run(self._loop, context.close)

    def stop(self) -> None:
        """Ends the browser and the thread that drives it; may be called twice."""
        if self._loop.is_closed():
            return
        try:
            _run(self._loop, self._end)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _start(self, program: Path) -> None:
        # Playwright's own Node.js needs libatomic, which a minimal Debian 12 has not.
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node_program()))
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=program, args=_ARGUMENTS, timeout=_TIMEOUT_S * 1000
        )

    async def _new_page(self) -> tuple[BrowserContext, Page]:
        assert self._browser is not None
        context = await self._browser.new_context()
        context.set_default_timeout(_TIMEOUT_S * 1000)
        return context, Page(await context.new_page(), self._loop)

    async def _end(self) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()


def _run(loop: asyncio.AbstractEventLoop, action: Callable[[], Awaitable[T]]) -> T:
    """Calls `action` in the thread of `loop`, where all of Playwright must be used, and waits for it."""

    async def act() -> T:
        return await action()

    return asyncio.run_coroutine_threadsafe(act(), loop).result(2 * _TIMEOUT_S)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yields a running Chromium and ends it at the end.

    Raises:
        ToolMissingError: No Chromium, and it could not be installed.
    """
    browser = Browser(chromium_program())
    try:
        yield browser
    finally:
        browser.stop()


def chromium_program() -> Path:
    """Returns the browser's executable; root's call installs Debian's package if there is none."""
    with locked(TOOLS / "chromium"):
        if (found := _on_path()) is not None:
            return found
        apt_get = shutil.which("apt-get")
        if apt_get is None:
            raise ToolMissingError(
                "Chromium is missing: there is none on PATH and no apt-get to install it with"
            )
        if os.geteuid() != 0:
            raise ToolMissingError(
                "Chromium is missing, and only root can install it: apt-get install chromium"
            )
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        missing = "Chromium is missing and apt-get could not install it"
        options = ["-qq", "-o", "DPkg::Lock::Timeout=300"]
        run_installer([apt_get, *options, "update"], missing, env=environment)
        install = ["install", "--yes", "--no-install-recommends", "chromium"]
        run_installer([apt_get, *options, *install], missing, env=environment)
        if (found := _on_path()) is None:
            raise ToolMissingError(
                "Chromium is missing: apt-get installed it, but it is not on PATH"
            )
        return found


def _on_path() -> Path | None:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    return Path(found) if found else None
