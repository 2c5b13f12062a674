"""Drives a headless Chromium.

Playwright runs in its own thread with its own event loop. Its synchronous interface would leave a
running loop in the main thread, and tests written as coroutines could not run there.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, Playwright, ProxySettings, async_playwright
from playwright.async_api import Page as PlaywrightPage

from tests.tools.debian import library_folders, unpack
from tests.tools.node import node_program
from tests.tools.toolbox import TOOLS, announce, install_once

__all__ = ["Browser", "Page", "Program", "chromium", "chromium_program"]

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
    # Pages and the browser itself can reach only this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
_TIMEOUT_S = 60
_PACKAGES = ["chromium-headless-shell", "chromium-common"]
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>/usr/share/fonts</dir>
<dir>{root}/usr/share/fonts</dir>
<cachedir>{root}/var/cache/fontconfig</cachedir>
</fontconfig>
"""


class Program(NamedTuple):
    """The browser's executable and the environment variables it needs."""

    file: Path
    environment: dict[str, str]


class Page:
    """One page in its own profile. Methods block and may be called from any thread."""

    def __init__(self, page: PlaywrightPage, loop: asyncio.AbstractEventLoop) -> None:
        """Wrap `page`; call this in the thread of `loop`."""
        self._page = page
        self._loop = loop
        self.console: list[str] = []
        """The page's console output and uncaught errors, for the messages of failing tests."""
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))

    def open(self, url: str) -> None:
        """Go to `url` and return when it has loaded. The previous page is hidden first."""
        self.do(lambda page: page.goto(url))

    def evaluate(self, script: str, argument: object = None) -> object:
        """Call a JavaScript function in the page, await its promise if any, and return its value."""
        return self.do(lambda page: page.evaluate(script, argument))

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true in the page."""
        self.do(lambda page: page.wait_for_function(condition))

    def close(self) -> None:
        """Close the page as a user does: its `pagehide` handlers run."""
        self.do(lambda page: page.close(run_before_unload=True))

    def do(self, action: Callable[[PlaywrightPage], Awaitable[T]]) -> T:
        """Do anything else Playwright can do, for example `do(lambda page: page.click("a"))`."""
        return _run(self._loop, lambda: action(self._page))


class Browser:
    """A running Chromium."""

    def __init__(self, program: Program) -> None:
        """Start the browser with an empty profile."""
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
    def page(self, proxy: str | None = None) -> Iterator[Page]:
        """Yield an empty page with its own cookies and caches.

        Args:
            proxy: The URL of an HTTP proxy for every host except 127.0.0.1.
        """
        context, page = _run(self._loop, lambda: self._new_page(proxy))
        try:
            yield page
        finally:
            _run(self._loop, context.close)

    def stop(self) -> None:
        """End the browser and the thread that drives it; may be called twice."""
        if self._loop.is_closed():
            return
        try:
            _run(self._loop, self._end)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _start(self, program: Program) -> None:
        # Playwright's own Node.js needs libatomic, which a minimal Debian 12 lacks.
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node_program()))
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=program.file,
            env={**os.environ, **program.environment},
            args=_ARGUMENTS,
            timeout=_TIMEOUT_S * 1000,
        )

    async def _new_page(self, proxy: str | None) -> tuple[BrowserContext, Page]:
        assert self._browser is not None
        through: ProxySettings | None = {"server": proxy, "bypass": "127.0.0.1"} if proxy else None
        context = await self._browser.new_context(proxy=through)
        context.set_default_timeout(_TIMEOUT_S * 1000)
        return context, Page(await context.new_page(), self._loop)

    async def _end(self) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()


def _run(loop: asyncio.AbstractEventLoop, action: Callable[[], Awaitable[T]]) -> T:
    """Call `action` in the thread of `loop`, as Playwright requires, and wait for it."""

    async def act() -> T:
        return await action()

    return asyncio.run_coroutine_threadsafe(act(), loop).result(2 * _TIMEOUT_S)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a running Chromium and end it afterwards.

    Raises:
        ToolMissingError: No Chromium on PATH, and Debian's package could not be unpacked.
    """
    browser = Browser(chromium_program())
    try:
        yield browser
    finally:
        browser.stop()


def chromium_program() -> Program:
    """Return the browser on PATH; without one, unpack Debian's under `.tools` and return that.

    Raises:
        ToolMissingError: No Chromium on PATH, and Debian's package could not be unpacked.
    """
    for name in ("chromium", "google-chrome", _PACKAGES[0]):
        if (found := shutil.which(name)) is not None:
            return Program(Path(found), {})
    root = install_once(TOOLS / "chromium", json.dumps([_PACKAGES, _FONTS]), _unpack)
    libraries = os.pathsep.join(str(folder) for folder in library_folders(root))
    environment = {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(root / "fonts.conf")}
    return Program(root / "usr" / "lib" / "chromium" / _PACKAGES[0], environment)


def _unpack(root: Path) -> None:
    announce("Tests drive a browser, and there is no chromium or google-chrome on PATH.")
    # Both serve a desktop, and bring 50 MB of graphics drivers with them on Debian 12.
    unpack(_PACKAGES, root, without=["x11-utils", "xdg-utils"])
    (root / "fonts.conf").write_text(_FONTS.format(root=root))
