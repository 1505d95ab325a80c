"""SARIF 2.1.0, as linters and scanners write it: each run is a test run in which every rule is a test."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import Field

from kybern.catalog import PredicateType
from kybern.connect._connector import Connector
from kybern.connect._json import Loose, read_json, shaped
from kybern.connect._observation import NOT_STATED, Observation, Reading, Source, moment_of

_CRITICAL: Final = 9.0
"""From here on a `security-severity` is critical, as code hosts read it (CVSS)."""
_SEVERITY: Final = "security-severity"


class _Settings(Loose):
    level: str | None = None


class _Rule(Loose):
    id: str
    defaultConfiguration: _Settings = _Settings()  # noqa: N815 - the format's names
    properties: dict[str, object] = Field(default_factory=dict)


class _Component(Loose):
    name: str = ""
    version: str | None = None
    semanticVersion: str | None = None  # noqa: N815
    rules: tuple[_Rule, ...] = ()


class _Tool(Loose):
    driver: _Component
    extensions: tuple[_Component, ...] = ()


class _Reference(Loose):
    id: str | None = None


class _Suppression(Loose):
    status: str | None = None


class _Result(Loose):
    ruleId: str | None = None  # noqa: N815
    ruleIndex: int | None = None  # noqa: N815
    rule: _Reference | None = None
    level: str | None = None
    kind: str = "fail"
    baselineState: str | None = None  # noqa: N815
    suppressions: tuple[_Suppression, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it is a finding that stands: not passed, not gone, not suppressed by somebody who was let."""
        accepted = any(one.status in {None, "accepted"} for one in self.suppressions)
        return self.kind == "fail" and self.baselineState != "absent" and not accepted


class _Invocation(Loose):
    executionSuccessful: bool = True  # noqa: N815
    endTimeUtc: str | None = None  # noqa: N815
    startTimeUtc: str | None = None  # noqa: N815


class _Run(Loose):
    tool: _Tool
    results: tuple[_Result, ...] | None = None
    invocations: tuple[_Invocation, ...] = ()


class _Log(Loose):
    version: str
    runs: tuple[_Run, ...]


def read(source: Source) -> Reading:
    """Read every run: rules without an error passed, rules with one failed; errors and critical findings are facts of a gate."""
    log = shaped(_Log, read_json(source), source, "The SARIF log")
    if log.version != "2.1.0":
        raise source.fault("wrong-version", f"This is SARIF {log.version[:20]}, not 2.1.0.", "Convert it.", pointer="/version")
    if not log.runs:
        raise source.fault("no-report", "It holds no run.", pointer="/runs")
    scans = [_Scan(run) for run in log.runs]
    facts = {"scan.errors": sum(scan.errors for scan in scans)}
    if any(_severity(rule) is not None for scan in scans for rule in scan.rules.values()):
        facts["vulnerabilities.critical"] = sum(scan.critical for scan in scans)
    at = min((moment for scan in scans for moment in scan.ended), default=None)  # of one moment, as the suites of a test report are
    return Reading(tuple(_observed(scan, source, at) for scan in scans), facts)


class _Scan:
    """A run whose results know their rules."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.rules = {rule.id: rule for part in (run.tool.driver, *run.tool.extensions) for rule in part.rules}
        standing = [(result, self._rule(result)) for result in run.results or () if result.open]
        failed = [(result, rule) for result, rule in standing if _level(result, rule) == "error"]
        self.failing = {rule.id if rule is not None else _named(result) for result, rule in failed}
        self.critical = sum((_severity(rule) or 0.0) >= _CRITICAL for _, rule in standing)
        self.broken = run.results is None or any(not one.executionSuccessful for one in run.invocations)
        """Whether it broke off, or has no results because it did not look."""
        self.errors = len(failed) + self.broken
        moments = (moment_of(one.endTimeUtc or one.startTimeUtc or "") for one in run.invocations)
        self.ended = [moment for moment in moments if moment is not None]

    def _rule(self, result: _Result) -> _Rule | None:
        rules, named = self.run.tool.driver.rules, _named(result)
        if result.ruleIndex is not None and 0 <= result.ruleIndex < len(rules) and named in {"", rules[result.ruleIndex].id}:
            return rules[result.ruleIndex]
        return self.rules.get(named) or self.rules.get(named.partition("/")[0])


def _named(result: _Result) -> str:
    return result.ruleId or (result.rule.id if result.rule is not None else None) or ""


def _level(result: _Result, rule: _Rule | None) -> str:
    """Tell the level: the result's own, else its rule's, else a warning, as the format has it."""
    return result.level or (rule.defaultConfiguration.level if rule is not None else None) or "warning"


def _severity(rule: _Rule | None) -> float | None:
    stated = None if rule is None else rule.properties.get(_SEVERITY)
    try:
        return float(stated) if isinstance(stated, str | int | float) else None
    except ValueError:
        return None


def _observed(scan: _Scan, source: Source, at: datetime | None) -> Observation:
    driver = scan.run.tool.driver
    name = driver.name.strip()[:200] or "scan"
    passed = 0 if scan.broken else len(scan.rules.keys() - scan.failing)
    fields = {"suite": name, "passed": passed, "failed": len(scan.failing) + scan.broken, "report_sha256": source.digest}
    definition = "Rules of a SARIF run: failed with an open result of level error, passed without; a run that broke off fails"
    version = driver.semanticVersion or driver.version or NOT_STATED
    return Observation(name, PredicateType.TEST_RUN, fields, name, version, definition, at)


CONNECTOR = Connector("sarif", "SARIF 2.1.0 of linters and scanners", read)
