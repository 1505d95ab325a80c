"""Time load and lint of a generated workspace, beside PyYAML's C `safe_load` of the same bytes.

    python benchmarks/lint.py [LINES]

The workspace is generated, the same for the same number of lines. Times are CPU seconds of one process, the best of three.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from kybern.workspace import CatalogIds, lint, load_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

LINES_A_FILE = 1000
CATALOG = CatalogIds(frozenset({"GOV-01", "RSK-01"}), frozenset({"ISO42001:C.3.4", "NIST_AI_RMF:MEASURE 2.4"}))
AS_OF = date(2026, 11, 20)

HEAD = """\
kind: organization
id: acme
title: Acme
legal_name: Acme plc
sector: banking
countries: [DE]
ai_roles: [deployer]
---
kind: person
id: ada
title: Ada
---
kind: role
id: ai-officer
title: AI officer
responsibilities: [Runs the management system.]
holders: [person:ada]
---
kind: risk_criteria
id: main
title: Criteria
owner: role:ai-officer
method: Likelihood times consequence on five steps.
likelihood: &scale
  - {level: 1, name: low, meaning: Seldom.}
  - {level: 3, name: middle, meaning: Sometimes.}
  - {level: 5, name: high, meaning: Often.}
consequence: *scale
acceptable_score: 6
acceptance_authority: role:ai-officer
"""

SYSTEM = """\
kind: ai_system
id: system-{n}
title: Credit scoring number {n}
owner: role:ai-officer
role: deployer
purpose: >-
  Rates applications for consumer credit, so that a clerk sees
  at once which of them need a closer look.
use_case: consumer credit
autonomy: proposes
oversight: A clerk decides every case.   # never without
risk_class: high
users: [clerks]
affected_groups:
  - applicants
  - guarantors
jurisdictions: [DE, AT]
stage: operation
in_operation_since: 2025-03-01
reviewed_on: 2026-06-01
review_every: P365D
"""

RISK = """\
kind: risk
id: risk-{n}
title: The population drifts away from the training data ({n})
owner: role:ai-officer
systems:
  - ai_system:system-{system}
type: drift
source: ISO42001:C.3.4
scenario: |
  Applicants change with the economy; the model does not.
  Decisions get worse and nobody sees it for a quarter.
consequences:
  organization: 3
  individuals: 4
  society: 2
likelihood: 3
criteria: risk_criteria:main
assessor: person:ada
assessed_on: 2026-02-01
"""

TREATMENT = """\
kind: treatment
id: treatment-{n}
title: Watch the drift ({n})
owner: role:ai-officer
risk: risk:risk-{n}
option: modify
plan: Measure drift every week and retrain when it passes the bound.
controls: [RSK-01]
due_on: 2026-12-01
residual_likelihood: 2
residual_consequence: 3
accepted_by: person:ada
accepted_on: 2026-02-10
"""


def generate(root: Path, lines: int) -> int:
    """Write a workspace of about that many lines; returns how many there are."""
    (root / "records").mkdir(parents=True)
    (root / "kybern.yaml").write_text("kybern: 1\n", encoding="utf-8")
    texts, count, file, number = [HEAD], HEAD.count("\n"), 0, 0
    written = 0
    while written + count < lines:
        template = (SYSTEM, RISK, TREATMENT)[number % 3]
        texts.append(template.format(n=number // 3, system=number // 3))
        count += texts[-1].count("\n") + 1
        number += 1
        if count >= LINES_A_FILE:
            written, texts, count, file = written + _write(root, file, texts), [], 0, file + 1
    return written + (_write(root, file, texts) if texts else 0)


def _write(root: Path, file: int, texts: list[str]) -> int:
    text = "---\n".join(texts)
    (root / "records" / f"part-{file:03}.yaml").write_text(text, encoding="utf-8")
    return text.count("\n")


def best_of_three(work: Callable[[], object]) -> float:
    """CPU seconds of the fastest of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def measure(root: Path) -> tuple[float, float, int, int]:
    """CPU seconds of load and lint, of the plain reader, and how many records and findings there are."""
    files = sorted((root / "records").glob("*.yaml"))
    texts = [file.read_bytes() for file in files]
    workspace = load_workspace(root)
    problems = lint(workspace, CATALOG, AS_OF)
    ours = best_of_three(lambda: lint(load_workspace(root), CATALOG, AS_OF))
    plain = best_of_three(lambda: [list(yaml.load_all(text, yaml.CSafeLoader)) for text in texts])
    return ours, plain, len(workspace.records), len(problems)


def main() -> None:
    """Generate, measure, print."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        written = generate(root, lines)
        ours, plain, records, problems = measure(root)
    print(f"{written:,} lines, {records:,} records, {problems} findings")
    print(f"kybern load + lint      {ours:6.2f} s CPU")
    print(f"PyYAML safe_load (C)    {plain:6.2f} s CPU   (reads values only: no places, no validation, no lint)")
    print(f"ratio                   {ours / plain:6.2f}")


if __name__ == "__main__":
    main()
