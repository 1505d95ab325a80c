"""The pipeline's step for the management system itself: check records, documents and evidence, and state the results."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import house_suites as suites
import statements
from metrics import Figure
from observe import Observer
from suites import Suite

from kybern.records.assurance import CorrectiveAction
from kybern.records.monitoring import Monitor

ORGANIZATION = "organization:meridian"
CREDIT, ASSISTANT = "ai_system:credit-scoring", "ai_system:service-assistant"
WATCHED_BY_PIPELINE = ("credit-", "assistant-")


def run(observer: Observer) -> str:
    """Run every check and sign; give back a line for the person who watches."""
    records, today = observer.emitter.records, observer.at.date()
    deadlines = suites.deadlines(records, today)
    checks = [
        suites.inventory(records),
        suites.segregation(records),
        suites.role_holders(records, today),
        suites.documents(records, observer.emitter.root),
        deadlines,
    ]
    for suite in checks:
        observer.tests(suite.name, suite, (ORGANIZATION,))
    observer.tests("management-review-inputs", suites.review_inputs(records), [item.ref for item in records.of_kind("management_review")])
    _actions(observer, deadlines)
    _alerts(observer)
    observer.bill_of_materials((CREDIT, ASSISTANT))
    _figures(observer, deadlines)
    last = [suites.restore(observer.emitter.root), suites.evidence_log(observer.emitter.read())]
    for suite in last:
        observer.tests(suite.name, suite, (ORGANIZATION,))
    if not last[-1].failed:
        properties = ("KYBERN_EVIDENCE_SIGNATURES_HOLD",)
        observer.verified("evidence-log-verification", "kybern.evidence.read_evidence", properties, (ORGANIZATION,))
    return _summary([*checks, *last])


def _figures(observer: Observer, deadlines: Suite) -> None:
    """Sign the indicators of the management system; where there is nothing to count, nothing is stated."""
    records, today = observer.emitter.records, observer.at.date()
    year = today - timedelta(days=365)
    due, passed = statements.trained(observer.emitter, year, today)
    days = suites.incident_days(records, year, today)
    cases = len(deadlines.cases)
    if due:
        observer.indicator("training-passed", Figure(passed / due, None, None, due), "sums of signed training results")
    if days:
        observer.indicator("incident-days", Figure(round(max(days), 2), None, None, len(days)), "longest of the incident records")
    if cases:
        observer.indicator("actions-in-time", Figure(deadlines.passed / cases, None, None, cases), "records of corrective actions")


def _actions(observer: Observer, deadlines: Suite) -> None:
    """Sign the control of corrective actions, tested on all of them; where none was due, nothing is stated."""
    found = observer.emitter.records.of_kind("corrective_action")
    due = [action.due_on for action in cast("tuple[CorrectiveAction, ...]", found) if action.due_on <= observer.at.date()]
    if due and deadlines.cases:
        observer.control("TRU-10", deadlines, "corrective actions that were due or are done", min(due), (ORGANIZATION,))


def _alerts(observer: Observer) -> None:
    records = observer.emitter.records
    for monitor in cast("tuple[Monitor, ...]", records.of_kind("monitor")):
        if monitor.id.startswith(WATCHED_BY_PIPELINE):
            observer.tests("alert-test", suites.alerts(records, monitor), (monitor.ref,))


def _summary(checks: list[Suite]) -> str:
    failed = [suite.name for suite in checks if suite.failed]
    return f"{len(checks)} checks, failed: {', '.join(failed) or 'none'}"
