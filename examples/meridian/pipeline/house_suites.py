"""Tests of the management system itself: run over its records, documents and evidence, not over what somebody says of them."""

from __future__ import annotations

import csv
import hashlib
import io
import tarfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import cast, get_args

from suites import Suite

from kybern.evidence import Read
from kybern.records import RecordSet
from kybern.records.assurance import CorrectiveAction, Incident, ManagementReview, ReviewInput
from kybern.records.leadership import Role
from kybern.records.lifecycle import AISystem
from kybern.records.monitoring import Indicator, Monitor
from kybern.records.people import Document, Person

APPLICATIONS = Path(__file__).resolve().parent / "applications.csv"
_OWN_WORK = (
    ("document", "author", "approved_by"),
    ("impact_assessment", "assessor", "approved_by"),
    ("change", "requested_by", "decided_by"),
)
"""Kinds with the field of who did the work and that of who approved it."""


def inventory(records: RecordSet) -> Suite:
    """Every application that the register marks as using AI is an AI system of the inventory."""
    suite = Suite("inventory-reconciliation")
    known = {system.id for system in cast("tuple[AISystem, ...]", records.of_kind("ai_system"))}
    with APPLICATIONS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["uses_ai"] == "yes":
                suite.case(f"{row['application']} is in the inventory", row["inventory_id"] in known)
    return suite


def segregation(records: RecordSet) -> Suite:
    """Nobody approves their own work, accepts the risk they assessed, or audits what they own."""
    suite = Suite("segregation-of-duties")
    for kind, did, approved in _OWN_WORK:
        for record in records.of_kind(kind):
            by, decided = record.content.get(did), record.content.get(approved)
            if by and decided:
                suite.case(f"{record.ref}: {by} and {decided}", by != decided)
    assessors = {record.ref: record.content["assessor"] for record in records.of_kind("risk")}
    for treatment in records.of_kind("treatment"):
        if accepted := treatment.content.get("accepted_by"):
            suite.case(f"{treatment.ref} accepted by {accepted}", accepted != assessors[treatment.content["risk"]])
    return suite


def role_holders(records: RecordSet, today: date) -> Suite:
    """Every role is held by somebody who is still here."""
    suite = Suite("role-holder-check")
    for role in cast("tuple[Role, ...]", records.of_kind("role")):
        holders = [cast("Person | None", records.get(name)) for name in role.holders]
        here = [person for person in holders if person and not (person.left_on and person.left_on <= today)]
        suite.case(f"{role.ref} is held", here)
    return suite


def documents(records: RecordSet, root: Path) -> Suite:
    """Every document under control is there, unchanged since its record was written, with version, author and approver."""
    suite = Suite("document-control-check")
    for document in cast("tuple[Document, ...]", records.of_kind("document")):
        path = root / str(document.path)
        content = path.read_bytes() if path.is_file() else b""
        suite.case(f"{document.ref} is there", content)
        suite.case(f"{document.ref} is unchanged", hashlib.sha256(content).hexdigest() == document.sha256)
        suite.case(f"{document.ref} is identified", document.version and document.author and document.approved_by)
    return suite


def review_inputs(records: RecordSet) -> Suite:
    """Try that the management review considered each of the inputs that the standard asks for."""
    suite = Suite("management-review-inputs")
    review = cast("ManagementReview", records.of_kind("management_review")[0])
    seen = {item.topic for item in review.inputs if item.summary}
    for topic in get_args(ReviewInput.model_fields["topic"].annotation):
        suite.case(f"{topic} considered", topic in seen)
    return suite


def deadlines(records: RecordSet, today: date) -> Suite:
    """Corrective actions that were due are done, and were done in time."""
    suite = Suite("action-deadline-check")
    for action in cast("tuple[CorrectiveAction, ...]", records.of_kind("corrective_action")):
        if action.due_on <= today or action.done_on:
            suite.case(f"{action.ref} by {action.due_on}", action.done_on is not None and action.done_on <= action.due_on)
    return suite


def alert(indicator: Indicator, monitor: Monitor, value: float) -> tuple[str, ...]:
    """Tell whom a value alerts: nobody while it is within the indicator's bounds."""
    low = indicator.minimum is not None and value < indicator.minimum
    high = indicator.maximum is not None and value > indicator.maximum
    return monitor.alert_to if low or high else ()


def alerts(records: RecordSet, monitor: Monitor) -> Suite:
    """Try that a value just beyond a bound reaches roles that somebody holds; one on the bound reaches nobody."""
    suite = Suite("alert-test")
    indicator = cast("Indicator", records.get(monitor.indicator))
    for bound, step in ((indicator.minimum, -0.001), (indicator.maximum, 0.001)):
        if bound is not None:
            reached = [cast("Role | None", records.get(ref)) for ref in alert(indicator, monitor, bound + step)]
            suite.case(f"{bound + step} reaches somebody", reached and all(role and role.holders for role in reached))
            suite.case(f"{bound} reaches nobody", not alert(indicator, monitor, bound))
    return suite


def evidence_log(read: Read) -> Suite:
    """Every piece of evidence in the folder verifies."""
    suite = Suite("evidence-log-verification")
    for piece in read.accepted:
        suite.case(f"{piece.source} verifies", holds=True)
    for refusal in read.refused:
        suite.case(f"{refusal.source} verifies: {refusal.message}", holds=False)
    return suite


def restore(root: Path) -> Suite:
    """Try that records, documents and evidence, packed and unpacked again in memory, are the same."""
    suite = Suite("restore-test")
    for folder in ("records", "documents", "evidence"):
        files = sorted(path for path in (root / folder).rglob("*") if path.is_file())
        suite.case(f"{folder} come back unchanged", files and _round_trip(root, files))
    return suite


def _round_trip(root: Path, files: Iterable[Path]) -> bool:
    packed = io.BytesIO()
    wanted = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, content in wanted.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        back = {entry.name: stream.read() for entry in archive if (stream := archive.extractfile(entry))}
    return back == wanted


def incident_days(records: RecordSet, since: date, today: date) -> list[float]:
    """Days from awareness to resolution of the incidents resolved between two days."""
    incidents = cast("tuple[Incident, ...]", records.of_kind("incident"))
    spans = [(item.aware_at, item.resolved_at) for item in incidents if item.resolved_at and since <= item.resolved_at.date() <= today]
    return [(resolved - aware).total_seconds() / 86400 for aware, resolved in spans if resolved]
