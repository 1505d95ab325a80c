"""A plugin for pytest: tests marked with a control become a piece of evidence for each control.

    @pytest.mark.control("LIF-15")
    @pytest.mark.control("A.6.2.4", topic="robustness-test")

A mark names a control of the catalog, or a requirement of ISO/IEC 42001 or another framework (`NIST_AI_RMF:MEASURE 2.5`). Where its
checks ask about several topics for test runs, the mark names one. The plugin does nothing but declare the mark until it is asked:

    pytest --kybern-evidence evidence/ --kybern-system credit-scoring --kybern-key ci

It lies outside the rooms, because pytest imports it in every run: what it needs of Kybern it imports when it is asked.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.catalog import Catalog, Control
    from kybern.evidence import TestRun

MARK = "control"
_PROPERTY = "kybern"
_PASSED, _FAILED, _SKIPPED = "passed", "failed", "skipped"


@dataclass
class Counts:
    """How the tests of one control on one topic came out."""

    outcomes: dict[str, str] = field(default_factory=dict)
    ended: float = 0.0
    """When the last of them ended, in seconds since 1970."""

    def of(self, outcome: str) -> int:
        """Count the tests that came out so."""
        return sum(one == outcome for one in self.outcomes.values())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; without the first of them nothing happens."""
    group = parser.getgroup("kybern", "evidence from tests (Kybern)")
    group.addoption("--kybern-evidence", metavar="DIR", help="Write a signed test run for each control into this folder.")
    group.addoption("--kybern-system", metavar="REF", help="What the tests are of: the id of an AI system, or any record (model:pd).")
    group.addoption("--kybern-key", metavar="NAME", help="Sign with this key of the workspace, or with the one at this path (.pem).")
    group.addoption("--kybern-workspace", metavar="DIR", default=".", help="The workspace, or a folder in it. Default: here.")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, and where evidence is asked for, make ready to count."""
    config.addinivalue_line("markers", f"{MARK}(name, topic=None): the test bears on this control or requirement (Kybern)")
    if config.getoption("--kybern-evidence") is not None:
        config.pluginmanager.register(Collector(config), "kybern-evidence")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of what counts."""
    plugin = config.pluginmanager.get_plugin("kybern-evidence")
    if plugin is not None:
        config.pluginmanager.unregister(plugin)


class Collector:
    """Counts the outcomes of marked tests, and signs what they came to when all have run."""

    def __init__(self, config: pytest.Config) -> None:
        """Open workspace, catalog and key. Raises `pytest.UsageError` with whatever is wrong, before any test runs."""
        if config.getoption("--kybern-system") is None or config.getoption("--kybern-key") is None:
            msg = "--kybern-evidence needs --kybern-system and --kybern-key: evidence is about something, and somebody signs it"
            raise pytest.UsageError(msg)
        self._desk = _Desk(config)
        self._found: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
        self._written: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the marks of all tests, so that a wrong one stops the run at once."""
        for item in items:
            marks = [self._desk.read(mark, item.nodeid) for mark in item.iter_markers(MARK)]
            # Properties travel with the reports, from the workers of pytest-xdist too.
            item.user_properties += [(_PROPERTY, f"{control} {topic}") for control, topic in dict.fromkeys(marks)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test by the worst of its phases: what fails in its teardown has failed."""
        for name, value in report.user_properties:
            if name != _PROPERTY:
                continue
            control, _, topic = str(value).rpartition(" ")
            counts = self._found[control, topic]
            counts.ended = max(counts.ended, report.stop)
            outcomes = counts.outcomes
            before = outcomes.get(report.nodeid)
            if report.failed:
                outcomes[report.nodeid] = _FAILED
            elif report.skipped and before != _FAILED:
                outcomes[report.nodeid] = _SKIPPED
            elif report.when == "call" and before is None:
                outcomes[report.nodeid] = _PASSED

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Sign and write what was counted; a run that broke off writes nothing, as it would not be the whole."""
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not hasattr(session.config, "workerinput"):
            # All are of one moment, so that no control that passed is news after another on its topic that failed.
            at = datetime.fromtimestamp(max((counts.ended for counts in self._found.values()), default=0.0), UTC)
            for (control, topic), counts in sorted(self._found.items(), key=lambda item: item[0]):
                self._written.append(self._desk.write(control, topic, counts, at))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was written."""
        if self._written:
            terminalreporter.write_sep("-", "evidence (Kybern)")
            for line in self._written:
                terminalreporter.write_line(line)


class _Desk:
    """Everything of Kybern that the plugin needs, opened once."""

    def __init__(self, config: pytest.Config) -> None:
        from kybern.base import InputError  # noqa: PLC0415 - see the module's docstring
        from kybern.catalog import load_catalog  # noqa: PLC0415
        from kybern.evidence import PrivateKey, Subject, read_keyring  # noqa: PLC0415
        from kybern.workspace import find_root, load_workspace  # noqa: PLC0415

        try:
            root = find_root(Path(config.getoption("--kybern-workspace")))
            workspace = load_workspace(root)
            self.catalog: Catalog = load_catalog()
            self.keyring = read_keyring(root)
            name = config.getoption("--kybern-key")
            path = Path(name) if name.endswith(".pem") else root / ".kybern" / "keys" / f"{name}.pem"
            self.key = PrivateKey.from_pem(path.read_bytes())
        except InputError as error:
            raise pytest.UsageError(str(error)) from None
        except (OSError, ValueError) as error:
            msg = f"the key {config.getoption('--kybern-key')} cannot be used: {error}"
            raise pytest.UsageError(msg) from None
        if self.keyring.get(self.key.keyid) is None:
            msg = f"the keyring does not know the key {name}: its signature would count for nothing"
            raise pytest.UsageError(msg)
        system = config.getoption("--kybern-system")
        record = workspace.records.get(system if ":" in system else f"ai_system:{system}")
        if record is None:
            msg = f"the workspace has no record {system}"
            raise pytest.UsageError(msg)
        self.subject = Subject(record.ref, record.digest)
        self.folder = Path(config.getoption("--kybern-evidence"))

    def read(self, mark: pytest.Mark, where: str) -> tuple[str, str]:
        """Read a mark as a control and a topic; `pytest.UsageError` for one that names none."""
        name, topic = mark.args[0] if mark.args else None, mark.kwargs.get("topic")
        if not isinstance(name, str) or len(mark.args) > 1 or mark.kwargs.keys() - {"topic"}:
            self._wrong(where, 'write @pytest.mark.control("LIF-15") or @pytest.mark.control("A.6.2.4", topic="robustness-test")')
        topics = self._topics(name, where)
        if topic is None and len(topics) == 1:
            return name, topics[0]
        if topic not in topics:
            told = ", ".join(topics) or "none"
            self._wrong(where, f"{name} asks for test runs on these topics: {told}; name one with topic=")
        return name, str(topic)

    def _topics(self, name: str, where: str) -> list[str]:
        from kybern.catalog import EvidenceCheck, PredicateType  # noqa: PLC0415

        controls = list(self._controls(name))
        if not controls:
            self._wrong(where, f"the catalog has no control and no requirement {name}")
        checks = (check for control in controls for check in control.checks if isinstance(check, EvidenceCheck))
        return sorted({check.topic for check in checks if check.predicate is PredicateType.TEST_RUN and check.topic is not None})

    def _controls(self, name: str) -> Iterator[Control]:
        if name in self.catalog.controls:
            yield self.catalog.controls[name]
        for ref in (name, f"ISO42001:{name}"):
            if ref in self.catalog.requirements:
                yield from (control for control, _ in self.catalog.controls_for(ref))

    @staticmethod
    def _wrong(where: str, why: str) -> NoReturn:
        msg = f"{where}: the mark `{MARK}` does not read: {why}"
        raise pytest.UsageError(msg)

    def write(self, control: str, topic: str, counts: Counts, at: datetime) -> str:
        """Sign and file the test run of one control; says in a line what became of it."""
        from kybern.base import InputError  # noqa: PLC0415
        from kybern.evidence import Refused, sign, statement, verify, write  # noqa: PLC0415

        run = self._run(control, topic, counts, at)
        try:
            envelope = sign(statement(run, (self.subject,)), self.key)
            piece = verify(envelope, self.keyring)
            path = write(self.folder, envelope)
        except (Refused, InputError, OSError) as error:
            raise pytest.UsageError(str(error)) from None
        words = f"{run.passed} passed, {run.failed} failed, {run.skipped} skipped"
        return f"{control} on {topic} about {self.subject.ref}: {words}; {piece.strength.label}, {path}"

    @staticmethod
    def _run(control: str, topic: str, counts: Counts, at: datetime) -> TestRun:
        from kybern.evidence import Collector as Tool  # noqa: PLC0415
        from kybern.evidence import TestRun  # noqa: PLC0415

        return TestRun(
            topic=topic,
            observed_at=at,
            collector=Tool(name="pytest", version=pytest.__version__),
            method="Tests marked with the control; failures and errors in any phase are failed, expected failures skipped",
            suite=f"pytest: {control}",
            passed=counts.of(_PASSED),
            failed=counts.of(_FAILED),
            skipped=counts.of(_SKIPPED),
        )
