"""A small governance repository, written file by file."""

from __future__ import annotations

from pathlib import Path

import pytest

ORGANIZATION = """\
kind: organization
id: acme
title: Acme
legal_name: Acme plc
sector: banking
countries: [DE]
ai_roles: [deployer]
"""

PEOPLE = """\
kind: person
id: ada
title: Ada
---
kind: role
id: officer
title: AI officer
responsibilities: [Runs the management system.]
holders: [person:ada]
"""

SYSTEM = """\
- kind: ai_system
  id: credit
  title: Credit scoring
  owner: role:officer
  role: deployer
  purpose: Rates applications.
  use_case: consumer credit
  autonomy: proposes
  users: [clerks]
  jurisdictions: [DE]
  stage: operation
"""


class Repository:
    """A workspace on disk under test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("kybern.yaml", "kybern: 1\n")
        self.write("records/organization.yaml", ORGANIZATION)
        self.write("records/people/people.yml", PEOPLE)
        self.write("records/systems.yaml", SYSTEM)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path)
