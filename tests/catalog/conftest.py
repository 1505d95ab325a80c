"""A small catalog in memory that tests can break, and the one that is shipped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from kybern.base.yaml import read_yaml
from kybern.catalog import Catalog, load_catalog
from kybern.records import Record

sys.path.insert(0, str(Path(__file__).parent))  # for the helper module beside the tests

Tree: TypeAlias = "Mapping[str, Tree | bytes]"
SHIPPED = Path(__file__).parents[2] / "src" / "kybern" / "catalog"

FRAMEWORK = """\
id: LAW
title: A law
edition: "2026"
publisher: Parliament
source: https://example.org/law
status_date: "2026-11-23"
rights: public
requirements:
  - {id: "1", kind: article, title: Care, statement: Take care.}
  - {id: "1.1", parent: "1", kind: paragraph, title: Look, statement: Look first.}
  - {id: "1.2", parent: "1", kind: paragraph, title: Leap, statement: Then leap.}
  - {id: "2", kind: recital, title: Why, statement: Because falls hurt., normative: false}
---
id: NORM
title: A norm
edition: "1"
publisher: Body
source: https://example.org/norm
status_date: "2026-11-23"
rights: public
requirements:
  - {id: a, kind: clause, title: Look, statement: Look twice.}
"""
CONTROLS = """\
- id: LOK-01
  layer: L1
  title: Somebody looks
  statement: Somebody looks before anybody leaps.
  why: Falls hurt.
  owner_role: looker
  cadence: P30D
  applies_to: [ai_system]
  satisfies:
    - {requirement: "LAW:1.1", relation: equal}
    - {requirement: "NORM:a", relation: intersects, weight: 0.5}
  checks:
    - {type: records, id: lookout, title: A lookout is named, kind: role}
    - {type: evidence, id: looked, title: They looked, predicate: attestation, "on": ai_system, min_strength: declared}
"""
CROSSWALK = """\
id: law-norm
source_framework: LAW
target_framework: NORM
status_date: "2026-11-23"
bases: {read: We read both.}
rows:
  - {source: "LAW:1.1", target: "NORM:a", relation: subset, confidence: high, basis: read}
"""
TEXTS = {"frameworks/law.yaml": FRAMEWORK, "controls/look.yaml": CONTROLS, "crosswalks/law-norm.yaml": CROSSWALK}


@dataclass(frozen=True)
class Memory:
    """A folder or file in memory, as far as `Traversable` is used."""

    path: str
    content: Tree | bytes | None

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def is_dir(self) -> bool:
        return isinstance(self.content, Mapping)

    def joinpath(self, name: str) -> Memory:
        inside = self.content.get(name) if isinstance(self.content, Mapping) else None
        return Memory(f"{self.path}/{name}" if self.path else name, inside)

    def iterdir(self) -> Iterator[Memory]:
        return (self.joinpath(name) for name in self.content) if isinstance(self.content, Mapping) else iter(())

    def read_bytes(self) -> bytes:
        if not isinstance(self.content, bytes):
            raise IsADirectoryError(21, "Is a directory")
        return self.content

    def __str__(self) -> str:
        return self.path


def folder(texts: Mapping[str, str | bytes]) -> Memory:
    """Build a catalog folder of `folder/file` names and their content."""
    tree: dict[str, dict[str, bytes]] = {}
    for name, text in texts.items():
        inside, file = name.split("/")
        tree.setdefault(inside, {})[file] = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return Memory("", tree)


@pytest.fixture
def texts() -> dict[str, str]:
    """The files of a small catalog without a fault."""
    return dict(TEXTS)


@pytest.fixture(name="folder")
def _folder() -> Callable[[Mapping[str, str | bytes]], Memory]:
    return folder


@pytest.fixture(scope="session")
def laws() -> Catalog:
    """The frameworks and crosswalks that are shipped, without the controls."""
    files = {f"{name}/{file.name}": file.read_bytes() for name in ("frameworks", "crosswalks") for file in (SHIPPED / name).iterdir()}
    return load_catalog(folder(files))


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    """The whole catalog that is shipped, held against the record kinds that exist."""
    return load_catalog(record_kinds=Record.registry)


@pytest.fixture(scope="session")
def reference_ids() -> dict[str, Any]:
    """The ids that the frameworks must have, and which of them ask something: facts committed beside the tests."""
    file = Path(__file__).with_name("reference_ids.yaml")
    (document,) = read_yaml(file.read_bytes(), str(file))
    return document.value  # type: ignore[return-value]
