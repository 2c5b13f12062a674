"""axe-core, which finds what makes a page unusable with a screen reader or a keyboard."""

from __future__ import annotations

from tests.tools.chromium import Page
from tests.tools.node import npm_install
from tests.tools.toolbox import TOOLS

__all__ = ["install", "violations"]

_VERSION = "4.14.1"
_RUN = """; axe.run().then(({violations}) => violations.map(({id, nodes}) =>
    `${id}: ${nodes.slice(0, 3).map(({html}) => html.slice(0, 150)).join(" and ")}`))"""


def install() -> str:
    """Return the script.

    Raises:
        ToolMissingError: axe-core could not be installed.
    """
    modules = npm_install({"axe-core": _VERSION}, TOOLS / "axe")
    return (modules / "axe-core" / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """Return what axe-core finds in the page and its frames, each with up to three elements."""
    script = install()
    # Not as a function: Playwright evaluates it outside the page's Content-Security-Policy.
    found = page.do(lambda inner: inner.evaluate(script + _RUN))
    assert isinstance(found, list)
    return found
