"""JUnit XML, as pytest and most test runners write it: one test run for each suite at the top.

A document type or an entity is refused before it means anything: the reports have none, and they are how XML is made to explode.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from xml.parsers.expat import ExpatError, ParserCreate

from kybern.base import InputError, Place
from kybern.catalog import PredicateType
from kybern.connect._connector import Connector
from kybern.connect._observation import NOT_STATED, Observation, Reading, Source, moment_of

MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 2_000_000
MAX_SUITES: Final = 10_000
_MAX_NAME: Final = 200
_FAILS: Final = frozenset(("failure", "error"))
_MAX_COUNT: Final = 10_000_000


@dataclass
class _Suite:
    name: str
    at: datetime | None
    stated: int
    """Failures and errors that the suite says it had: some happen outside every case."""
    total: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass
class _Handler:
    """Counts cases as they go by; keeps nothing else of the file."""

    source: Source
    suites: list[_Suite] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    case: str | None = None
    """How the case that is open stands: passed, failed or skipped."""
    elements: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if len(self.path) >= MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise self.source.fault("too-large", f"It is nested deeper than {MAX_DEPTH}, or has more than {MAX_ELEMENTS:,} elements.")
        if not self.path and name not in {"testsuites", "testsuite"}:
            raise self.source.fault("no-report", f"The root is <{name[:40]}>, not <testsuites> or <testsuite>.", "Is this JUnit XML?")
        if len(self.suites) > MAX_SUITES:
            raise self.source.fault("too-many", f"It has more than {MAX_SUITES:,} suites at the top.", "Split it.")
        if name == "testsuite" and self.path.count("testsuite") == 0:
            self.suites.append(_suite(attributes))
        elif name == "testsuite":
            self.suites[-1].stated = max(self.suites[-1].stated, _suite(attributes).stated)
        elif name == "testcase" and self.suites:
            self.case = "passed"
        elif self.case is not None:
            self._mark(name)
        self.path.append(name)

    def _mark(self, name: str) -> None:
        if name in _FAILS:
            self.case = "failed"
        elif name == "skipped" and self.case == "passed":
            self.case = "skipped"

    def end(self, name: str) -> None:
        self.path.pop()
        if name == "testcase" and self.case is not None:
            suite = self.suites[-1]
            suite.total += 1
            suite.failed += self.case == "failed"
            suite.skipped += self.case == "skipped"
            self.case = None

    def refuse(self, *_: object) -> None:
        raise self.source.fault("entities", "It has a document type or entities.", "A test report needs none, and none is read.")


def _suite(attributes: dict[str, str]) -> _Suite:
    stated = _count(attributes.get("failures")) + _count(attributes.get("errors"))
    name = attributes.get("name", "").strip()[:_MAX_NAME] or "tests"
    return _Suite(name, moment_of(attributes.get("timestamp", "")), stated)


def _count(text: str | None) -> int:
    return min(int(text), _MAX_COUNT) if text is not None and text.isascii() and text.isdigit() and len(text) < len(str(_MAX_COUNT)) else 0


def read(source: Source) -> Reading:
    """Count the cases of each suite. What failed or broke is failed; what a suite states beyond its cases counts as failed, too."""
    handler = _Handler(source)
    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = handler.start, handler.end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = handler.refuse
    parser.UnparsedEntityDeclHandler = parser.ExternalEntityRefHandler = handler.refuse  # type: ignore[assignment]  # it raises
    try:
        parser.Parse(source.data, True)  # noqa: FBT003 - expat's own: this is all of it
    except ExpatError as error:
        place = Place(source.name, error.lineno, error.offset + 1)
        raise InputError.one("not-xml", f"This is not XML: {str(error).partition(':')[0]}.", place) from None
    except (ValueError, LookupError) as error:
        raise source.fault("not-xml", f"This is not XML that is read: {error}.") from None
    if not handler.suites:
        raise source.fault("no-report", "It holds no test suite.", "Did the tests run?")
    at = min((suite.at for suite in handler.suites if suite.at is not None), default=None)
    return Reading(tuple(_run(suite, source, at) for suite in handler.suites))


def _run(suite: _Suite, source: Source, at: datetime | None) -> Observation:
    """Write a suite as a run. All suites of a report are of one moment, its earliest: none that passed is news after one that failed."""
    failed = max(suite.failed, suite.stated)
    counts = {"passed": suite.total - suite.failed - suite.skipped, "failed": failed, "skipped": suite.skipped}
    fields = {"suite": suite.name, **counts, "report_sha256": source.digest}
    tool = "pytest" if suite.name == "pytest" else "junit"
    definition = "Cases of a JUnit XML report by their result; failures and errors together are failed"
    return Observation(suite.name, PredicateType.TEST_RUN, fields, tool, NOT_STATED, definition, at)


CONNECTOR = Connector("junit", "JUnit XML of pytest and other test runners", read)
