"""No bytes bring a connector to anything but a reading or a complaint; what it reads can be written as evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from connect_files import FIXTURES, fixture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kybern.base import InputError, Problem
from kybern.catalog import PredicateType
from kybern.connect import Source, connector_of, connectors, predicate_of

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KINDS = sorted(name for name, point in connectors().items() if point.value.startswith("kybern."))
SEEDS = {
    "cyclonedx": "cyclonedx/model.json",
    "fairlearn": "fairlearn/fairlearn-by-group.csv",
    "junit": "junit/pytest.xml",
    "mlflow": "mlflow/mlflow.db.gz",
    "model-card": "model-card/model-card.md",
    "sarif": "sarif/bandit.sarif",
    "sklearn": "sklearn/report.json",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def told(work: Callable[[], Any]) -> tuple[Any, tuple[Problem, ...]]:
    try:
        return work(), ()
    except InputError as error:
        return None, error.problems


def reads_or_complains(kind: str, source: Source) -> None:
    reading, problems = told(lambda: connector_of(kind).read(source))
    assert (reading is None) == bool(problems)
    assert all(problem.place.file.startswith(source.name) for problem in problems)
    for one in reading.observations[:20] if reading else ():
        fields = {"unit": "share", "sample_size": 1} if one.predicate is PredicateType.MEASUREMENT else {}
        _, wrong = told(lambda one=one, fields=fields: predicate_of(one, source, topic="indicator", at=NOW, fields=fields))
        assert {problem.rule for problem in wrong} <= {"bad-predicate"}  # a number or a name that no statement can hold


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=200))
def test_noise_is_told_apart(kind: str, data: bytes) -> None:
    reads_or_complains(kind, Source("given", data))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=4))
def test_a_real_file_with_pieces_changed_is_read_or_told(kind: str, cuts: list[tuple[int, int, bytes]]) -> None:
    data = fixture(SEEDS[kind]).data
    for at, length, new in cuts:
        start = at % (len(data) + 1)
        data = data[:start] + new + data[start + length :]
    reads_or_complains(kind, Source("given", data))


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for name, inner in items for path in _paths(inner, (*here, name)))]


@pytest.mark.parametrize("kind", ["cyclonedx", "sarif", "sklearn"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(draw=st.data(), new=JSON)
def test_a_real_file_with_a_value_of_another_kind_is_read_or_told(kind: str, draw: st.DataObject, new: Any) -> None:
    value = json.loads(fixture(SEEDS[kind]).data)
    path = draw.draw(st.sampled_from(_paths(value)[1:]))
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = new
    reads_or_complains(kind, Source("given", json.dumps(value).encode()))


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(("meta.yaml", "metrics/acc", "params/x")), data=st.binary(max_size=80))
def test_a_run_with_a_file_of_noise_is_read_or_told(name: str, data: bytes) -> None:
    root = next(path.parent for path in (FIXTURES / "mlflow" / "mlruns").rglob("metrics"))
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    reads_or_complains("mlflow", Source("given", files={**files, name: data}))
