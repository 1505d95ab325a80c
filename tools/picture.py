"""Take the two pictures in the README, light and dark: a page of the example's server, in Debian's Chromium.

make run, and beside it: .venv/bin/python tools/picture.py admin@kybern.local PASSWORD [PATH [BASE]]
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
PATH = "/readiness"
BASE = "http://127.0.0.1:8042"
SCHEMES: dict[Literal["light", "dark"], str] = {"light": "server.png", "dark": "server-dark.png"}


def take(email: str, password: str, path: str, base: str) -> None:
    """Sign in and write the beginning of a page, 1360 pixels wide, in both schemes."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"] if os.geteuid() == 0 else [])
        for scheme, name in SCHEMES.items():
            shoot(browser, scheme, (email, password), base, path).replace(IMAGES / name)
            print(IMAGES / name)
        browser.close()


def shoot(browser: Browser, scheme: Literal["light", "dark"], sign_in: tuple[str, str], base: str, path: str) -> Path:
    """Take one picture, beside where it goes."""
    view = browser.new_page(viewport={"width": 1360, "height": 1256}, color_scheme=scheme, locale="en")
    view.goto(f"{base}/accounts/login/")
    view.fill("input[name=login]", sign_in[0])
    view.fill("input[name=password]", sign_in[1])
    view.press("input[name=password]", "Enter")
    view.wait_for_url(lambda address: "/accounts/login" not in address)
    view.goto(base + path)
    view.wait_for_timeout(1000)
    picture = IMAGES / f".{scheme}.png"
    view.screenshot(path=picture)
    view.close()
    return picture


if __name__ == "__main__":
    if len(sys.argv) < 3:  # noqa: PLR2004 - the address and the password
        sys.exit(__doc__)
    given = sys.argv[1:5]
    take(*given, *(PATH, BASE)[len(given) - 2 :])  # two are there, the others have a default
