"""Take the picture in the README: the first screen of the example's report, in Debian's Chromium.

make run && .venv/bin/python tools/picture.py [PAGE [PICTURE]]
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]


def take(page: Path, picture: Path) -> None:
    """Open the page at the width of a README and write its first two screens as PNG: the numbers and the map."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"))
        view = browser.new_page(viewport={"width": 1280, "height": 1400}, color_scheme="light")
        view.goto(page.resolve().as_uri())
        view.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:3]]
    take(*given, *(ROOT / "build" / "meridian.html", ROOT / "docs" / "images" / "report.png")[len(given) :])
