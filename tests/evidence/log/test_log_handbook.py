"""docs/handbook/log.md leaves out no reason and no finding."""

from __future__ import annotations

import re
from pathlib import Path

import kybern.evidence.log

PAGE = (Path(__file__).parents[3] / "docs" / "handbook" / "log.md").read_text(encoding="utf-8")


def test_every_reason_and_finding_is_explained() -> None:
    folder = Path(kybern.evidence.log.__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("_*.py")]
    slugs = {slug for text in texts for slug in re.findall(r'(?:rule=|_find\()"([a-z-]+)"', text)}
    assert len(slugs) > 25
    assert {slug for slug in slugs if f"`{slug}`" not in PAGE} == set()
