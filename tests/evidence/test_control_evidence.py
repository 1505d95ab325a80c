"""Control evidence: what follows from the counts has to, and intervals are those of statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.catalog import PredicateType, Strength
from kybern.evidence import ControlEvidence, Refused, parse_predicate, verify
from kybern.evidence._interval import clopper_pearson, wilson

if TYPE_CHECKING:
    from conftest import Bench

stats = pytest.importorskip("scipy.stats", reason="scipy, which scikit-learn brings, is not installed")


def read(bench: Bench, **changes: Any) -> ControlEvidence:
    """Read the body of the bench with changes; None takes a field away."""
    common = {"topic": "access-review", "observed_at": "2026-04-02T00:00:00Z", "collector": {"name": "sampler", "version": "2.1"}}
    body = common | bench.BODIES[PredicateType.CONTROL_EVIDENCE] | changes
    found = parse_predicate(ControlEvidence, {name: value for name, value in body.items() if value is not None})
    assert isinstance(found, ControlEvidence)
    return found


def test_it_takes_part_in_assessment_as_strong_as_its_signer(bench: Bench) -> None:
    assert read(bench).error_rate == 0.0167
    for key, strength in ((bench.ci, Strength.MEASURED), (bench.anna, Strength.DOCUMENTED)):
        piece = verify(bench.envelope(key, kind=PredicateType.CONTROL_EVIDENCE), bench.keyring)
        assert (piece.predicate, piece.strength, piece.body["exceptions"]) == (PredicateType.CONTROL_EVIDENCE, strength, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"coverage": 0.5}, "coverage is not what follows from the counts, which is 0.05"),
        ({"result": "failed"}, "result is not what follows from the counts, which is passed"),
        ({"tolerated": 0}, "result is not what follows from the counts, which is failed"),
        ({"error_rate": 0.01}, "error_rate is not what follows"),
        ({"lower": 0.0}, None),
        ({"lower": 0.01}, "lower is not what follows"),
        ({"upper": 0.05}, "upper is not what follows"),
        ({"interval": "wilson"}, "lower is not what follows"),
        ({"interval": None}, "go together"),
        ({"interval": None, "confidence_level": None, "lower": None, "upper": None}, "drawn by chance needs an interval"),
        ({"sampling": "judgemental"}, "chosen by judgement, has no interval"),
        ({"sampling": "all"}, "sampling is all, but the sample is not the population"),
        ({"sample_size": 2000}, "sample_size is larger"),
        ({"exceptions": 61}, "more exceptions than sampled"),
        ({"period_end": "2025-01-01T00:00:00Z"}, "period_end is not after period_start"),
        ({"period_end": "2026-04-03T00:00:00Z"}, "was not observed"),
        ({"control": "access"}, "/predicate/control"),
        ({"sample_size": 0}, "/predicate/sample_size"),
        ({"period_start": "2026-01-01"}, "/predicate/period_start"),
    ],
)
def test_what_does_not_follow_is_refused_in_words(bench: Bench, changes: dict[str, Any], words: str | None) -> None:
    if words is None:
        read(bench, **changes)
        return
    with pytest.raises(Refused) as refused:
        read(bench, **changes)
    assert words in refused.value.message


def test_a_census_has_no_interval(bench: Bench) -> None:
    census = {"sampling": "all", "sample_size": 1200, "coverage": 1.0, "error_rate": 1 / 1200}
    none = dict.fromkeys(("interval", "confidence_level", "lower", "upper"))
    assert read(bench, **census, **none).interval is None
    with pytest.raises(Refused, match="has no interval"):
        read(bench, **census)


COUNTS = st.integers(1, 400).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))
LEVELS = st.floats(0.5, 0.999)


@settings(max_examples=300, deadline=None)
@given(COUNTS, LEVELS)
def test_intervals_are_those_of_scipy(counts: tuple[int, int], level: float) -> None:
    hits, count = counts
    test = stats.binomtest(hits, count)
    for ours, method in ((clopper_pearson, "exact"), (wilson, "wilson")):
        theirs = test.proportion_ci(level, method=method)
        assert ours(hits, count, level) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize(("hits", "count"), [(0, 10**7), (1, 10**7), (10**6, 10**7), (10**7, 10**7), (12_345, 10**6)])
def test_intervals_of_large_samples_are_those_of_scipy(hits: int, count: int) -> None:
    theirs = stats.binomtest(hits, count).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, count, 0.95) == pytest.approx((theirs.low, theirs.high), abs=1e-10)


@settings(max_examples=200, deadline=None)
@given(COUNTS, st.integers(0, 5), st.sampled_from(["clopper-pearson", "wilson"]), LEVELS)
def test_what_is_worked_out_is_accepted(bench: Bench, counts: tuple[int, int], tolerated: int, interval: str, level: float) -> None:
    exceptions, sample = counts
    stated = {
        "sample_size": sample,
        "exceptions": exceptions,
        "tolerated": tolerated,
        "interval": interval,
        "confidence_level": level,
    }
    followed = ControlEvidence.worked_out(bench.BODIES[PredicateType.CONTROL_EVIDENCE] | stated)
    assert read(bench, **stated, **followed).result == ("passed" if exceptions <= tolerated else "failed")
