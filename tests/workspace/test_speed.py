"""Load and lint stay fast: a short form of benchmarks/lint.py, measured against PyYAML on the same machine and bytes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from kybern.workspace import lint, load_workspace


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_lint", Path(__file__).parents[2] / "benchmarks/lint.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_five_thousand_lines_load_and_lint_within_a_few_times_of_reading_them(benchmark: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    assert benchmark.generate(root, 5000) >= 5000
    ours, plain, records, problems = benchmark.measure(root)
    assert records > 250
    assert problems == 0
    assert ours < 8 * plain + 0.05


def test_the_generated_workspace_is_always_the_same(benchmark: ModuleType, tmp_path: Path) -> None:
    for name in ("a", "b"):
        benchmark.generate(tmp_path / name, 2000)
    assert load_workspace(tmp_path / "a").digest == load_workspace(tmp_path / "b").digest


def test_a_thousand_broken_references_do_not_make_it_slow(benchmark: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    benchmark.generate(root, 5000)
    for file in (root / "records").glob("*.yaml"):
        file.write_text(
            file.read_text()
            .replace("risk: risk:risk-", "risk: risk:rsik-")
            .replace("person:ada", "person:adaa")
            .replace("id: ada", "id: a")
        )
    workspace = load_workspace(root)
    took = benchmark.best_of_three(lambda: lint(workspace, benchmark.CATALOG, benchmark.AS_OF))
    assert took < 3
