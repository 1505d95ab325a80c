"""The crosswalk files are whole: every row of the reference table, in its order, with relation, confidence and an explained basis."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from kybern.base.yaml import read_yaml
from kybern.catalog import Confidence, Crosswalk, Relation

FOLDER = Path(__file__).parents[2] / "src" / "kybern" / "catalog" / "crosswalks"
_BESIDE = (above / "shared" / "reference" / "crosswalk.csv" for above in Path(__file__).parents)
REFERENCE = next((file for file in _BESIDE if file.is_file()), Path("crosswalk.csv"))

ROWS = {
    ("ISO42001", "CALIFORNIA"): 72,
    ("ISO42001", "DPDP"): 48,
    ("ISO42001", "EU_AI_ACT"): 201,
    ("ISO42001", "GDPR"): 78,
    ("ISO42001", "IMDA_AGENTIC"): 23,
    ("ISO42001", "ISO27001"): 94,
    ("ISO42001", "ISO9001"): 59,
    ("ISO42001", "NIS2"): 39,
    ("ISO42001", "NIST_AI_RMF"): 280,
    ("ISO42001", "NIST_GENAI"): 24,
    ("ISO42001", "OECD"): 33,
    ("ISO42001", "OWASP_AGENTIC"): 24,
    ("ISO42001", "OWASP_LLM"): 22,
    ("ISO42001", "UNESCO"): 45,
    ("NIST_AI_RMF", "IMDA_AI_VERIFY"): 119,
    ("NIST_AI_RMF", "OECD"): 8,
}
BASES = {
    "own-judgement": "own judgement",
    "harmonized-structure": "ISO harmonized structure (Annex SL)",
    "nist-imda": "published: joint NIST-IMDA crosswalk",
    "nist-oecd": "published: NIST illustration",
    "nist-airc": "published crosswalk: NIST AI RMF to ISO/IEC FDIS 42001",
}
"""How the reference table words the basis; a slug may say more after the name."""


def shipped() -> dict[tuple[str, str], Crosswalk]:
    files = (read_yaml(file.read_bytes(), str(file)) for file in sorted(FOLDER.glob("*.yaml")))
    walks = [Crosswalk.model_validate(document.value) for documents in files for document in documents]
    return {(walk.source_framework, walk.target_framework): walk for walk in walks}


def test_every_pair_of_frameworks_has_its_rows() -> None:
    assert {ends: len(walk.rows) for ends, walk in shipped().items()} == ROWS
    assert sum(ROWS.values()) == 1169


def test_rows_agree_with_the_reference_table() -> None:
    if not REFERENCE.is_file():
        pytest.skip("the reference table crosswalk.csv is not beside the repository; the committed counts are checked instead")
    with REFERENCE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for (source, target), walk in shipped().items():
        told = [row for row in rows if (row["source_framework"], row["target_framework"]) == (source, target)]
        assert [(row.source, row.target, row.relation.value, row.confidence.value) for row in walk.rows] == [
            (f"{source}:{row['source_id']}", f"{target}:{row['target_id']}", row["relation"], row["confidence"]) for row in told
        ]
        for row, one in zip(walk.rows, told, strict=True):
            said = next(words for slug, words in BASES.items() if row.basis.startswith(slug))
            assert one["basis"].startswith(said), one


@pytest.mark.parametrize("ends", ROWS, ids=lambda ends: f"{ends[0]}-{ends[1]}".lower())
def test_every_basis_is_explained_and_used_and_the_file_is_named_after_its_frameworks(ends: tuple[str, str]) -> None:
    walk = shipped()[ends]
    assert set(walk.bases) == {row.basis for row in walk.rows}
    assert walk.id == f"{ends[0]}-{ends[1]}".lower()
    assert (FOLDER / f"{walk.id}.yaml").is_file()


def test_nothing_is_claimed_that_the_sources_do_not_bear() -> None:
    """Ten parts, no inclusion: a row that would carry a status over needs an argument, and a change here."""
    counted = Counter(row.relation for walk in shipped().values() for row in walk.rows)
    assert counted == {Relation.INTERSECTS: 1159, Relation.SUBSET: 10}
    parts = [row for walk in shipped().values() for row in walk.rows if row.relation is Relation.SUBSET]
    assert all(row.confidence is Confidence.HIGH for row in parts)
