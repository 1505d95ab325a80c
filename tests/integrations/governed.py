"""A workspace with an AI system that goes on everywhere and one that goes nowhere, for integrations to ask about."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
INTEGRATIONS = ROOT / "integrations"
PROGRAMS = Path(sys.executable).parent
PROGRAM = PROGRAMS / "kybern"

RECORDS = """\
kind: organization
id: lender
title: Lender
legal_name: Lender
sector: credit
countries: [IE]
ai_roles: [provider]
---
kind: ai_system
id: fine
title: A fine one
role: provider
purpose: p
use_case: u
autonomy: proposes
risk_class: limited
users: [staff]
jurisdictions: [IE]
stage: validation
---
kind: ai_system
id: banned
title: A banned one
role: provider
purpose: p
use_case: u
autonomy: proposes
risk_class: prohibited
users: [staff]
jurisdictions: [IE]
stage: validation
"""
RULES = """\
- id: goes
  title: What is not prohibited goes on
  owner: ai-governance
  rationale: For these tests.
  applies_to: [merge, train, validate, deploy, retire]
  effect: allow
  when: system.risk_class != "prohibited"
  message: It goes on.
  examples:
    - {title: Limited, facts: {}, expect: fires}
    - {title: Prohibited, facts: {system.risk_class: prohibited}, expect: silent}
- id: substantial
  title: A substantial change waits
  owner: ai-governance
  rationale: For these tests.
  applies_to: [merge]
  effect: require-approval
  when: has(change.substantial) && change.substantial
  message: Have the change approved.
  approvers: [ai-officer]
  examples:
    - {title: Substantial, facts: {change.substantial: true}, expect: fires}
    - {title: Not so, facts: {change.substantial: false}, expect: silent}
"""
REPORT = '<testsuite name="all"><testcase name="a"/></testsuite>'
COLLECT = "junit=report.xml,topic=validation-test"


def governed(root: Path) -> Path:
    """Write the workspace, with a test report beside its records."""
    (root / "records").mkdir(parents=True)
    (root / "policy" / "rules").mkdir(parents=True)
    (root / "kybern.yaml").write_text("kybern: 1\n")
    (root / "records" / "all.yaml").write_text(RECORDS)
    (root / "policy" / "bundle.yaml").write_text("kybern: 1\n")
    (root / "policy" / "rules" / "own.yaml").write_text(RULES)
    (root / "report.xml").write_text(REPORT)
    return root


def environment(**more: str) -> dict[str, str]:
    """The environment of a pipeline in which `kybern` is installed."""
    kept = {name: value for name, value in os.environ.items() if name not in {"GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "PYTHONPATH"}}
    return {**kept, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", **more}
