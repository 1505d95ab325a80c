"""The pictures look alike in the report and in the pages."""

from __future__ import annotations

from importlib.resources import files

COMMON = "Lines that page.css has too"


def test_what_both_style_sheets_say_is_the_same() -> None:
    page = (files("kybern.report") / "templates" / "page.css").read_text(encoding="utf-8").splitlines()
    shared = (files("kybern.report") / "static" / "pictures.css").read_text(encoding="utf-8").partition(COMMON)[2].splitlines()[1:]
    assert len(shared) > 3
    assert all(line in page for line in shared)
