"""Connectors on files that the tools themselves wrote (tests/real/fixtures/README.md says how)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from kybern.catalog import PredicateType
from kybern.connect import connector_of, connectors, predicate_of, read_source

sys.path.insert(0, str(Path(__file__).parents[1] / "connect"))

from connect_files import FIXTURES, by_name, fixture, folder, read

pytestmark = pytest.mark.real


def test_a_pytest_report_counts_what_failed_and_broke_as_failed() -> None:
    (run,) = read("junit", fixture("junit/pytest.xml")).observations
    assert run.predicate is PredicateType.TEST_RUN
    assert (run.fields["suite"], run.fields["passed"], run.fields["failed"], run.fields["skipped"]) == ("pytest", 1, 2, 2)
    assert run.observed_at is not None
    assert run.observed_at.date() == datetime(2026, 11, 26, tzinfo=UTC).date()


def test_a_scan_says_tool_version_and_time_and_its_errors_are_a_fact() -> None:
    reading = read("sarif", fixture("sarif/bandit.sarif"))
    (run,) = reading.observations
    assert (run.tool, run.version, run.observed_at) == ("Bandit", "1.9.4", datetime(2026, 11, 26, 1, 59, 18, tzinfo=UTC))
    assert (run.fields["passed"], run.fields["failed"]) == (3, 1)
    assert reading.facts == {"scan.errors": 1}  # it states no severities, so nothing is known of critical vulnerabilities


@pytest.mark.parametrize("where", ["mlflow.db.gz", "mlruns"])
def test_both_stores_of_mlflow_give_the_last_figures_of_the_run_that_finished(where: str) -> None:
    reading = folder("mlflow", "mlflow/mlruns") if where == "mlruns" else read("mlflow", fixture("mlflow/mlflow.db.gz"))
    found = by_name(reading)
    assert {name: one.fields["value"] for name, one in found.items()} == {
        "credit-pd-4.1/accuracy_score": 0.7345,
        "credit-pd-4.1/roc_auc": 0.7812,
    }
    accuracy = found["credit-pd-4.1/accuracy_score"]
    assert accuracy.fields["sample_size"] == 1000
    assert "unit" not in accuracy.fields
    assert accuracy.observed_at is not None
    assert accuracy.observed_at.year == 2026
    assert accuracy.tool == "mlflow"


def test_a_classification_report_gives_shares_with_the_cases_they_rest_on() -> None:
    found = by_name(read("sklearn", fixture("sklearn/report.json")))
    assert found["accuracy"].fields == {"metric": "accuracy", "value": 0.9754385964912281, "unit": "share", "sample_size": 285}
    one = found["1/recall"]
    assert (one.fields["value"], one.fields["sample_size"], one.fields["population"]) == (0.9836956521739131, 184, "class 1")
    assert len(found) == 1 + 4 * 3


@pytest.mark.parametrize("form", ["json", "csv"])
def test_groups_of_fairlearn_are_read_alike_from_both_forms_and_the_gap_is_fairlearns_own(form: str) -> None:
    found = by_name(read("fairlearn", fixture(f"fairlearn/fairlearn-by-group.{form}")))
    assert found["selection_rate[large]"].fields["sample_size"] == 141
    gaps = {name: one.fields["value"] for name, one in found.items() if name.endswith("_difference")}
    # What MetricFrame.difference() gave for the same frame, in fairlearn 0.15.0.
    assert gaps == {
        "selection_rate_difference": pytest.approx(0.610963, abs=1e-6),
        "accuracy_difference": pytest.approx(0.035609, abs=1e-6),
    }
    assert found["accuracy_difference"].fields["sample_size"] == 285


def test_a_model_card_is_a_document_and_its_figures_lack_what_it_does_not_say() -> None:
    reading = read("model-card", fixture("model-card/model-card.md"))
    found = by_name(reading)
    assert reading.topic == "model-card"
    assert found["card"].fields["title"] == "credit-pd"
    assert found["card"].fields["words"] == 15
    accuracy = found["credit-pd/Credit applications test/accuracy"]
    assert accuracy.fields == {"metric": "accuracy", "value": 0.7345, "population": "Credit applications test"}


def test_a_bill_of_materials_counts_open_critical_vulnerabilities() -> None:
    reading = read("cyclonedx", fixture("cyclonedx/bom.json"))
    assert reading.facts == {"bom.present": True, "vulnerabilities.critical": 1}
    (document,) = reading.observations
    assert (document.tool, document.version) == ("cyclonedx-python-lib", "11.12.0")
    assert document.fields["title"] == "Bill of materials of credit-scoring"
    assert document.observed_at == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_a_bill_with_a_models_card_gives_its_figures_and_knows_of_no_vulnerabilities() -> None:
    source = fixture("cyclonedx/model.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(source.data.decode()) is None
    reading = read("cyclonedx", source)
    found = by_name(reading)
    assert reading.facts == {"bom.present": True}
    assert found["credit-pd/accuracy"].fields == {"metric": "accuracy", "value": 0.7345, "lower": 0.70, "upper": 0.77}
    assert found["credit-pd/accuracy[under 26]"].fields["population"] == "under 26"
    assert set(found) == {"bom", "credit-pd/accuracy", "credit-pd/accuracy[under 26]"}


def test_every_figure_of_every_fixture_becomes_a_predicate_that_reads_back() -> None:
    files = {
        "cyclonedx": ["cyclonedx/bom.json", "cyclonedx/model.json"],
        "fairlearn": ["fairlearn/fairlearn-by-group.json"],
        "junit": ["junit/pytest.xml"],
        "mlflow": ["mlflow/mlruns"],
        "model-card": ["model-card/model-card.md"],
        "sarif": ["sarif/bandit.sarif"],
        "sklearn": ["sklearn/report.json"],
    }
    assert set(files) == {name for name, point in connectors().items() if point.value.startswith("kybern.")}
    for kind, names in files.items():
        connector = connector_of(kind)
        for name in names:
            source = read_source(FIXTURES / name, connector, name)
            for one in connector.read(source).observations:
                fields = {"unit": "share", "sample_size": 100} if one.predicate is PredicateType.MEASUREMENT else {}
                made = predicate_of(one, source, topic="indicator", at=datetime(2026, 11, 26, tzinfo=UTC), fields=fields)
                assert made.collector.name == one.tool
                assert made.method == one.definition
                assert made.note is not None
                assert source.digest in made.note
