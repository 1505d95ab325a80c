"""docs/handbook/log.md leaves out no reason and no finding."""

from __future__ import annotations

import re
from pathlib import Path

import kybern.evidence.log

HANDBOOK = Path(__file__).parents[3] / "docs" / "handbook"
PAGE = (HANDBOOK / "log.md").read_text(encoding="utf-8")


def test_every_reason_and_finding_is_explained() -> None:
    folder = Path(kybern.evidence.log.__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("_*.py")]
    slugs = {slug for text in texts for slug in re.findall(r'(?:rule=|_find\()"([a-z-]+)"', text)}
    assert len(slugs) > 25
    assert {slug for slug in slugs if f"`{slug}`" not in PAGE} == set()


def test_the_page_on_receipts_names_every_header_and_the_page_on_time_every_file() -> None:
    receipts, time = ((HANDBOOK / name).read_text(encoding="utf-8") for name in ("receipts.md", "time.md"))
    for label in (kybern.evidence.log.LEAF_HEADER, kybern.evidence.log.SIZE_HEADER, 1, 4, 15, 395, 396):
        assert f"\n| {label} " in receipts
    for name in (kybern.evidence.log.note_at(6), kybern.evidence.log.place_of(6, "acme-tsa.tsr"), kybern.evidence.log.AUTHORITIES_FILE):
        assert name in time
