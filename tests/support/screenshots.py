"""Pictures of pages, kept for people to look at."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import ViewportSize

from tests.tools.chromium import Page

FOLDER = Path(__file__).resolve().parents[2] / "var" / "screenshots"
"""Those of the tests. Git ignores it."""

DESKTOP: ViewportSize = {"width": 1280, "height": 905}
PHONE: ViewportSize = {"width": 390, "height": 844}


def keep(page: Page, name: str, folder: Path = FOLDER, *, whole: bool = True) -> None:
    """Write folder/name.png.

    Args:
        whole: the whole page, not only what fits into the window.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.png"
    page.do(lambda inner: inner.screenshot(path=file, full_page=whole))
