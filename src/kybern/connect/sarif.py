"""SARIF 2.1.0, as linters and scanners write it: each run is a test run in which every rule is a test."""

from __future__ import annotations

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
    facts = {"scan.errors": sum(_errors(run) for run in log.runs)}
    if any(_severity(rule) is not None for run in log.runs for rule in _rules(run)):
        facts["vulnerabilities.critical"] = sum(_critical(run) for run in log.runs)
    return Reading(tuple(_observed(run, source) for run in log.runs), facts)


def _rules(run: _Run) -> tuple[_Rule, ...]:
    return tuple(rule for part in (run.tool.driver, *run.tool.extensions) for rule in part.rules)


def _rule_of(run: _Run, result: _Result) -> _Rule | None:
    rules, named = run.tool.driver.rules, _named(result)
    if result.ruleIndex is not None and 0 <= result.ruleIndex < len(rules) and named in {"", rules[result.ruleIndex].id}:
        return rules[result.ruleIndex]
    return next((rule for rule in _rules(run) if rule.id in {named, named.partition("/")[0]}), None)


def _named(result: _Result) -> str:
    return result.ruleId or (result.rule.id if result.rule is not None else None) or ""


def _level(run: _Run, result: _Result) -> str:
    """Tell the level: the result's own, else its rule's, else a warning, as the format has it."""
    rule = _rule_of(run, result)
    return result.level or (rule.defaultConfiguration.level if rule is not None else None) or "warning"


def _open_errors(run: _Run) -> list[_Result]:
    return [result for result in run.results or () if result.open and _level(run, result) == "error"]


def _errors(run: _Run) -> int:
    """Count the errors; a run that broke off, or that has no results because it did not look, is one more."""
    broken = run.results is None or any(not one.executionSuccessful for one in run.invocations)
    return len(_open_errors(run)) + broken


def _severity(rule: _Rule | None) -> float | None:
    stated = None if rule is None else rule.properties.get(_SEVERITY)
    try:
        return float(stated) if isinstance(stated, str | int | float) else None
    except ValueError:
        return None


def _critical(run: _Run) -> int:
    return sum(result.open and (_severity(_rule_of(run, result)) or 0.0) >= _CRITICAL for result in run.results or ())


def _observed(run: _Run, source: Source) -> Observation:
    driver = run.tool.driver
    failing = {rule.id if (rule := _rule_of(run, result)) is not None else _named(result) for result in _open_errors(run)}
    broken = _errors(run) - len(_open_errors(run))
    known = {rule.id for rule in _rules(run)}
    name = driver.name.strip()[:200] or "scan"
    counts = {"passed": 0 if broken else len(known - failing), "failed": len(failing) + broken}
    fields = {"suite": name, **counts, "report_sha256": source.digest}
    ended = [moment for one in run.invocations if (moment := moment_of(one.endTimeUtc or one.startTimeUtc or "")) is not None]
    definition = "Rules of a SARIF run: failed with an open result of level error, passed without; a run that broke off fails"
    version = driver.semanticVersion or driver.version or NOT_STATED
    return Observation(name, PredicateType.TEST_RUN, fields, name, version, definition, min(ended, default=None))


CONNECTOR = Connector("sarif", "SARIF 2.1.0 of linters and scanners", read)
