"""A test suite as the pipeline sees it: named cases that hold or do not, counted, with a report that can be read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field


@dataclass(slots=True)
class Suite:
    """The cases of one run, in the order they were run."""

    name: str
    cases: list[tuple[str, bool]] = field(default_factory=list)

    def case(self, title: str, holds: object) -> None:
        """Record a case."""
        self.cases.append((title, bool(holds)))

    @property
    def passed(self) -> int:
        """Count the cases that hold."""
        return sum(holds for _, holds in self.cases)

    @property
    def failed(self) -> int:
        """Count the cases that do not."""
        return len(self.cases) - self.passed

    @property
    def report(self) -> bytes:
        """The run as JSON, one case a line."""
        cases = [{"case": title, "result": "passed" if holds else "failed"} for title, holds in self.cases]
        return (json.dumps({"suite": self.name, "cases": cases}, indent=1, ensure_ascii=False) + "\n").encode()

    @property
    def sha256(self) -> str:
        """Digest of the report."""
        return hashlib.sha256(self.report).hexdigest()
