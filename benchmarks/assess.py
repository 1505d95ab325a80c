"""Assess 10,000 AI systems × 90 controls × 1,000,000 pieces of evidence, and one piece more; say how it grows.

    python benchmarks/assess.py            # the full size, several minutes with the growth series
    python benchmarks/assess.py --systems 1000 --evidence 100000
    python benchmarks/assess.py --json
    python benchmarks/assess.py --against-loops   # beside the plain loops of the tests' reference assessor, results compared first

The catalog is the shipped one, cut to the first 90 controls that bear on AI systems or what belongs to them and then the organisation's.
Records and evidence are made by a seeded generator: bodies that pass most checks, some that fail, lapse or are too weak.
Time is CPU seconds of this process; memory is its peak resident set.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kybern.assessment import EvidenceTable, assess
from kybern.catalog import Catalog, Control, EvidenceCheck, Operator, PredicateType, Strength, SubjectKind, load_catalog
from kybern.evidence import Evidence, Subject
from kybern.records import Record, RecordSet

TOLERANCE = 1e-9
FAILING = 0.1
FEW = 10
"""Kinds with fewer records than this, the organisation among them, get evidence as if they had so many."""
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)


def catalog_of(controls: int) -> Catalog:
    """Cut the shipped catalog to a number of controls, those on systems and their parts first."""
    whole = load_catalog()
    ranked = sorted(whole.controls.values(), key=lambda one: (set(one.applies_to) <= {SubjectKind.ORGANIZATION}, one.id))
    return Catalog(whole.frameworks, {one.id: one for one in ranked[:controls]}, whole.crosswalks)


def records_of(systems: int) -> RecordSet:
    """Make an organisation with AI systems, each with a model, a data set, a risk, an indicator of its own."""
    make = Record.registry

    def record(kind: str, identity: str, **fields: Any) -> Record:
        return make[kind].model_validate({"kind": kind, "id": identity, "title": identity, "owner": "role:owner", **fields})

    def of_system(number: int) -> Iterator[Record]:
        system = f"ai_system:s{number}"
        yield record(
            "ai_system",
            f"s{number}",
            role="provider",
            purpose="p",
            use_case="u",
            autonomy="advises",
            users=["staff"],
            jurisdictions=["IE"],
            stage="operation",
            models=[f"model:m{number}"],
            datasets=[f"dataset:d{number}"],
        )
        yield record("model", f"m{number}", type="t", task="classification", origin="developed", intended_use="u")
        yield record("dataset", f"d{number}", use=["training"], source="s", acquisition="collected", personal_data=True)
        yield record(
            "indicator",
            f"i{number}",
            of=[system],
            category=("performance", "fairness", "drift")[number % 3],
            metric="m",
            definition="d",
            unit="1",
            minimum=0.2,
            measure_every="P30D",
            why_these_bounds="w",
        )

    organization = record("organization", "big", legal_name="Big", sector="s", countries=["IE"], ai_roles=["provider"])
    return RecordSet([organization, *(one for number in range(systems) for one in of_system(number))])


def evidence_of(catalog: Catalog, records: RecordSet, count: int, seed: int = 42) -> list[Evidence]:
    """Make pieces of evidence, spread over the checks and the records they look at."""
    random_, checks = random.Random(seed), list(_checks(catalog, records))  # noqa: S311  (data for a benchmark)
    weights = [max(len(records.of_kind(kind)), FEW) for _, kind in checks]
    chosen = random_.choices(checks, weights, k=count)
    return [_piece(random_, number, *one, records) for number, one in enumerate(chosen)]


def _checks(catalog: Catalog, records: RecordSet) -> Iterator[tuple[EvidenceCheck, str]]:
    for control in catalog.controls.values():
        for check in control.checks:
            for kind in (check.on,) if isinstance(check, EvidenceCheck) and check.on else control.applies_to:
                if isinstance(check, EvidenceCheck) and records.of_kind(kind):
                    yield check, kind


def _piece(random_: random.Random, number: int, check: EvidenceCheck, kind: str, records: RecordSet) -> Evidence:
    record = random_.choice(records.of_kind(kind))
    body: dict[str, Any] = {"by": "person:p", "value": random_.random(), "sample_size": 500}
    for condition in (*check.match, *check.require):
        if condition.operator is not Operator.WITHIN:
            body[condition.field] = condition.value[0] if isinstance(condition.value, list) else condition.value
    if random_.random() < FAILING:
        body = {**body, "failed": 3, "decision": "rejected", "holds": False, "major": 1, "outcome": "rejected"}
    observed = AS_OF - timedelta(seconds=random_.randrange(-86_400, 86_400 * 500))
    identity = hashlib.sha256(number.to_bytes(8, "big")).hexdigest()
    strength = random_.choice((Strength.DOCUMENTED, Strength.MEASURED, Strength.VERIFIED))
    subjects = (Subject(record.ref, ""),)
    return Evidence(identity, PredicateType(check.predicate), check.topic or "t", subjects, observed, None, strength, body)


def cpu() -> float:
    """Read CPU seconds of this process."""
    return time.process_time()


def run(systems: int, controls: int, count: int) -> dict[str, float]:
    """Measure one size."""
    catalog, records = catalog_of(controls), records_of(systems)
    evidence = evidence_of(catalog, records, count)
    gc.collect()
    start = cpu()
    table = EvidenceTable(evidence)
    indexed = cpu()
    assessment = assess(catalog, records, table, AS_OF)
    readiness = assessment.readiness("ISO42001")
    assessed = cpu()
    gc.collect()
    updates = sorted(_update(assessment, catalog, records, number) for number in range(60))
    return {
        "systems": systems,
        "controls": len(catalog.controls),
        "evidence": count,
        "index_s": indexed - start,
        "assess_s": assessed - indexed,
        "total_s": assessed - start,
        "update_median_ms": updates[30] * 1000,
        "update_p95_ms": updates[56] * 1000,
        "coverage": readiness.coverage,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def _update(assessment: Any, catalog: Catalog, records: RecordSet, number: int) -> float:
    """Time one more piece until the changed system's and the organisation's requirements are read again."""
    checks = list(_checks(catalog, records))
    check, kind = checks[(number * 7) % len(checks)]
    item = _piece(random.Random(number), 10**9 + number, check, kind, records)  # noqa: S311
    control: Control = next(one for one in catalog.controls.values() if check in one.checks)
    start = cpu()
    after = assessment.plus(item)
    for mapping in control.satisfies:
        after.requirement(mapping.requirement)
    return cpu() - start


def against_loops(systems: int = 10, controls: int = 90, count: int = 1_000) -> float:
    """Assess the same world by columns and by plain loops, compare every row, and give the ratio of CPU seconds."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "assessment"))
    from reference import reference  # noqa: PLC0415  (only this comparison needs it)

    catalog, records = catalog_of(controls), records_of(systems)
    evidence = evidence_of(catalog, records, count)
    start = cpu()
    by_loops = reference(catalog, records, evidence, AS_OF)
    looped = cpu()
    assessment = assess(catalog, records, evidence, AS_OF)
    by_columns = {(row.ref, row.subject): row.score for row in assessment.rows()}
    done = cpu()
    for (ref, subject), score in by_columns.items():
        status, coverage, *_ = by_loops.requirements[ref, subject]
        if status != score.status.slug or abs(coverage - score.coverage) > TOLERANCE:
            msg = f"{ref} on {subject}: loops say {status} {coverage}, columns {score.status.slug} {score.coverage}"
            raise AssertionError(msg)
    ratio = (looped - start) / (done - looped)
    print(f"{len(by_columns)} rows agree; loops {looped - start:.2f} s, columns {done - looped:.2f} s CPU: {ratio:.0f} times")
    return ratio


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=10_000)
    parser.add_argument("--controls", type=int, default=90)
    parser.add_argument("--evidence", type=int, default=1_000_000)
    parser.add_argument("--growth", action="store_true", help="also measure a tenth and a third of the size")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--against-loops", action="store_true", help="compare with the reference assessor of the tests, then stop")
    asked = parser.parse_args()
    if asked.against_loops:
        against_loops()
        return
    parts = (0.1, 0.3, 1.0) if asked.growth else (1.0,)
    results = [run(round(asked.systems * part), asked.controls, round(asked.evidence * part)) for part in parts]
    if asked.json:
        print(json.dumps(results, indent=2))
        return
    for one in results:
        print(
            f"{one['systems']:>6.0f} systems x {one['controls']:.0f} controls x {one['evidence']:>9.0f} pieces: "
            f"index {one['index_s']:.2f} s + assess {one['assess_s']:.2f} s = {one['total_s']:.2f} s CPU; "
            f"one more piece {one['update_median_ms']:.2f} ms median, {one['update_p95_ms']:.2f} ms p95; "
            f"peak {one['peak_gib']:.2f} GiB; coverage {one['coverage']:.3f}"
        )


if __name__ == "__main__":
    main()
