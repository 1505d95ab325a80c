"""Turns what was measured and tested into statements, signed by the pipeline's key, dated at the moment of observation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from importlib.metadata import distributions

from metrics import LEVEL, Figure
from signing import PIPELINE, VERSION, Emitter
from suites import Suite

from kybern.evidence import Collector, ControlEvidence, DocumentSeen, Measurement, TestRun, Verification

TOOL = Collector(name="meridian pipeline", version=VERSION)


@dataclass(frozen=True, slots=True)
class Observer:
    """Writes statements about what this run saw."""

    emitter: Emitter
    at: datetime

    def figure(  # noqa: PLR0913 - a measurement has these parts
        self, topic: str, metric: str, unit: str, figure: Figure, about: Iterable[str], *, method: str, data: str | None = None
    ) -> None:
        """Sign a measurement."""
        known = figure.lower is not None
        predicate = Measurement(
            topic=topic,
            observed_at=self.at,
            collector=TOOL,
            method=method,
            metric=metric,
            value=figure.value,
            unit=unit,
            lower=figure.lower,
            upper=figure.upper,
            confidence_level=LEVEL if known else None,
            sample_size=figure.sample_size,
            data_sha256=data,
        )
        self.emitter.write(predicate, about, PIPELINE, "measured")

    def indicator(self, name: str, figure: Figure, method: str, data: str | None = None) -> None:
        """Sign a measurement of an indicator, which gives metric and unit and names what it is measured on."""
        content = next(record for record in self.emitter.records.of_kind("indicator") if record.id == name).content
        about = (f"indicator:{name}", *content.get("of", ()))
        self.figure("indicator", content["metric"], content["unit"], figure, about, method=method, data=data)

    def tests(self, topic: str, suite: Suite, about: Iterable[str], note: str | None = None) -> None:
        """Sign the counts of a suite and keep its report beside the keys."""
        reports = self.emitter.root / ".kybern" / "reports"
        reports.mkdir(parents=True, exist_ok=True)
        (reports / f"{suite.sha256[:16]}-{suite.name}.json").write_bytes(suite.report)
        predicate = TestRun(
            topic=topic,
            observed_at=self.at,
            collector=TOOL,
            note=note,
            suite=suite.name,
            passed=suite.passed,
            failed=suite.failed,
            report_sha256=suite.sha256,
        )
        self.emitter.write(predicate, about, PIPELINE, "tested")

    def control(self, control: str, suite: Suite, population: str, since: date, about: Iterable[str]) -> None:
        """Sign the test of a control on a whole population: every case of a suite, from a day until now."""
        counts = {"population_size": len(suite.cases), "sample_size": len(suite.cases), "exceptions": suite.failed}
        predicate = ControlEvidence(
            topic=suite.name,
            observed_at=self.at,
            collector=TOOL,
            control=control,
            method="every record was read and its dates compared",
            period_start=datetime.combine(since, time.min, UTC),
            period_end=self.at,
            population=population,
            sampling="all",
            **counts,
            **ControlEvidence.worked_out(counts),
        )
        self.emitter.write(predicate, about, PIPELINE, "tested")

    def verified(self, topic: str, verifier: str, properties: tuple[str, ...], about: Iterable[str]) -> None:
        """Sign that a verifier found these properties to hold."""
        predicate = Verification(topic=topic, observed_at=self.at, collector=TOOL, verifier=verifier, properties=properties)
        self.emitter.write(predicate, about, PIPELINE, "tested")

    def bill_of_materials(self, about: Iterable[str]) -> None:
        """Sign the list of the packages that this run really had installed, with their versions."""
        found = sorted({f"{item.name}=={item.version}" for item in distributions()}, key=str.lower)
        content = (json.dumps({"components": found}, indent=1) + "\n").encode()
        (self.emitter.root / ".kybern" / "reports" / "bill-of-materials.json").write_bytes(content)
        predicate = DocumentSeen(
            topic="software-bill-of-materials",
            observed_at=self.at,
            collector=TOOL,
            title="Packages of the measuring pipeline",
            sha256=hashlib.sha256(content).hexdigest(),
            words=len(found),
        )
        self.emitter.write(predicate, about, PIPELINE, "tested")
