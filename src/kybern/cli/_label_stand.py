"""What the commands of `kybern label` share: a workspace as its log has it, and the claim that follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kybern.cli._key import keyring_of
from kybern.cli._log import in_words, log_of
from kybern.cli._log_sync import logged_as
from kybern.cli._shared import near, open_workspace, refuse, whole_catalog, write_whole

if TYPE_CHECKING:
    from datetime import datetime

    from kybern.assessment import Assessment
    from kybern.catalog import CatalogFolder
    from kybern.evidence import Evidence
    from kybern.evidence.log import Log
    from kybern.report.label import Criteria
    from kybern.workspace import Workspace


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the folder it lies in."""
    with in_words():
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def json_text(value: object) -> str:
    """Write JSON for people and programs."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


# What is stated


@dataclass(frozen=True)
class Stand:
    """A workspace as its log has it: the assessment over the logged evidence, and the evidence of any time for approvals."""

    workspace: Workspace
    assessment: Assessment
    evidence: tuple[Evidence, ...]
    origin: str
    size: int
    root: str
    unlogged: int
    own: tuple[CatalogFolder, ...] = ()

    def claim(self, framework: str, criteria: Criteria) -> dict[str, Any]:
        """Write what would be stated."""
        from kybern.report.label import LogHead, claim  # noqa: PLC0415

        return claim(self.assessment, framework, criteria, LogHead(self.origin, self.size, self.root), self.own)


def stand_of(directory: Path, as_of: datetime, size: int | None = None) -> Stand:
    """Assess a workspace at a moment over the evidence among the first `size` entries of its log; None takes what is published."""
    from kybern.assessment import assess  # noqa: PLC0415
    from kybern.evidence import FOLDER as EVIDENCE  # noqa: PLC0415
    from kybern.evidence import Refused, read_evidence  # noqa: PLC0415
    from kybern.workspace import read_catalogs  # noqa: PLC0415

    workspace = open_workspace(directory)
    with in_words():
        log = log_of(workspace.root)
        whole = log.head().checkpoint.size
        taken = whole if size is None else size
        if taken > whole:
            raise Refused("other-log", f"the statement names {taken} entries, and the log here has {whole}")
        known = _statements(log, taken)
        root = log.tree_at(taken).root().hex()
        accepted = read_evidence(workspace.root / EVIDENCE, keyring_of(workspace.root), workspace.root).accepted
        until = [one for one in accepted if one.observed_at <= as_of]
        evidence = [one for one in until if logged_as(workspace.root, one) in known]
        own = read_catalogs(workspace.root)
        found = assess(whole_catalog(own), workspace.records, evidence, as_of)
    return Stand(workspace, found, accepted, log.verifier.name, taken, root, len(until) - len(evidence), own)


def _statements(log: Log, size: int) -> set[str]:
    """Name the statements among the first entries of the log, and the commitments to personal ones."""
    from kybern.evidence import Refused  # noqa: PLC0415
    from kybern.evidence.log import read_leaf  # noqa: PLC0415

    found: set[str] = set()
    for start, leaves in log.journal.blocks(0, log.journal.size):
        for leaf in leaves[: max(0, size - start)]:
            with suppress(Refused):  # an entry of another kind holds no evidence; the audit tells what is damaged
                found.update((read_leaf(leaf).statement, read_leaf(leaf).commitment))
    return found


def log_holds(root: Path) -> bool:
    """Tell whether the audit of the workspace's log finds nothing."""
    from kybern.evidence.log import audit  # noqa: PLC0415

    with in_words():
        return audit(log_of(root)).holds


def framework_of(assessment: Assessment, name: str) -> str:
    """Take a framework that the catalog has; exits 2 for another."""
    known = tuple(assessment.catalog.frameworks)
    if name not in known:
        refuse("unknown-framework", f"There is no framework {name}.", near(name, known))
    return name


def size_of(stated: Mapping[str, Any]) -> int:
    """Take the size of the log that a claim names; exits 2 where it names none."""
    size = stated["log"].get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        refuse("bad-statement", "It names no size of the evidence log.")
    return size


def criteria_of(stated: Mapping[str, Any]) -> Criteria:
    """Take the criteria out of a claim."""
    from pydantic import ValidationError  # noqa: PLC0415

    from kybern.report.label import Criteria  # noqa: PLC0415

    try:
        return Criteria.model_validate({name: value for name, value in stated["criteria"].items() if name != "sha256"})
    except ValidationError:
        refuse("bad-statement", "Its criteria are none that this Kybern knows.")
