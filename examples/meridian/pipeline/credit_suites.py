"""Tests of the credit model, its data and its service."""

# ruff: noqa: PLR2004 - the bounds are the tests; a name for each would hide them

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import metrics
import numpy as np
import quality
from credit import CreditModel, features, train
from scoring import DecisionLog, RefusedBatchError, complete, decide_batch, reconstruct
from suites import Suite
from table import CATEGORIES, COLUMNS, NUMERIC, PROTECTED, Sample, Samples

TRACED = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures that tests and statements share."""

    auc: metrics.Figure
    brier: metrics.Figure
    calibration: metrics.Figure
    equal_chance_sex: metrics.Figure
    equal_chance_age: metrics.Figure
    approval_sex: metrics.Figure
    approval_age: metrics.Figure
    drift: metrics.Figure
    moved_input: str
    input_drift: metrics.Figure
    robust: metrics.Figure
    reasons: metrics.Figure


def measure(model: CreditModel, samples: Samples) -> Measured:
    """Measure all there is to measure on the model."""
    unseen = together(samples.validation, samples.monitoring)
    approved = model.default_probability(unseen) < model.cutoff
    everybody = np.ones(len(unseen), dtype=np.bool_)
    worst, moved = metrics.feature_drift(samples.training, samples.monitoring)
    return Measured(
        metrics.discrimination(model, samples.validation),
        metrics.brier(model, samples.validation),
        metrics.calibration_error(model, samples.validation),
        metrics.rate_difference(approved, unseen.female, unseen.repaid),
        metrics.rate_difference(approved, unseen.young, unseen.repaid),
        metrics.rate_difference(approved, unseen.female, everybody),
        metrics.rate_difference(approved, unseen.young, everybody),
        metrics.score_drift(model, samples.monitoring),
        worst,
        moved,
        metrics.robustness(model, samples.validation),
        metrics.reason_stability(model, samples.training, samples.validation),
    )


def together(left: Sample, right: Sample) -> Sample:
    """Put two samples one after the other."""
    join = np.concatenate
    return Sample(
        f"{left.name} and {right.name}",
        numbers=join([left.numbers, right.numbers]),
        categories=join([left.categories, right.categories]),
        repaid=join([left.repaid, right.repaid]),
        female=join([left.female, right.female]),
        young=join([left.young, right.young]),
        sha256=hashlib.sha256(f"{left.sha256} {right.sha256}".encode()).hexdigest(),
    )


def validation(model: CreditModel, samples: Samples, found: Measured) -> Suite:
    """Go through the validator's list, written before the model was trained."""
    suite, sample = Suite("validation"), samples.validation
    scores, bad = model.default_probability(sample), ~sample.repaid
    suite.case("AUC at least 0.72", found.auc.value >= 0.72)
    suite.case("lower end of AUC interval at least 0.65", (found.auc.lower or 0) >= 0.65)
    suite.case("Brier score below that of the base rate", found.brier.value < float(bad.mean() * (1 - bad.mean())))
    suite.case("calibration error at most 0.08", found.calibration.value <= 0.08)
    suite.case("mean probability within 0.05 of default share", abs(float(scores.mean() - bad.mean())) <= 0.05)
    suite.case(
        "monitoring AUC within 0.08 of validation", abs(metrics.discrimination(model, samples.monitoring).value - found.auc.value) <= 0.08
    )
    for name, group in (("women", sample.female), ("men", ~sample.female), ("under 26", sample.young), ("26 and over", ~sample.young)):
        suite.case(f"AUC for {name} at least 0.65", metrics.auc(bad[group], scores[group]) >= 0.65)
    order = np.array_split(np.argsort(scores, kind="stable"), 4)
    rates = [float(bad[part].mean()) for part in order]
    suite.case("default share rises from quarter to quarter of score", rates == sorted(rates))
    suite.case("probabilities lie between 0 and 1", bool(((scores > 0) & (scores < 1)).all()))
    suite.case("approval share between 0.6 and 0.8", 0.6 <= float((scores < model.cutoff).mean()) <= 0.8)
    suite.case("training again gives the same model", train(samples.training).artefact_sha256 == model.artefact_sha256)
    return suite


def robustness(model: CreditModel, samples: Samples) -> Suite:
    """AUC stays above 0.65 under single and joint disturbances; small ones move few decisions."""
    suite = Suite("robustness")
    for noise, swapped in ((0.1, 0.0), (0.2, 0.0), (0.3, 0.0), (0.0, 0.1), (0.0, 0.2), (0.2, 0.1)):
        value = metrics.robustness(model, samples.validation, noise, swapped, draws=5).value
        suite.case(f"AUC at least 0.65 with noise {noise} and {swapped} of categories replaced", value >= 0.65)
    base = model.default_probability(samples.validation) < model.cutoff
    moved = metrics.perturbed(samples.validation, np.random.default_rng(metrics.SEED), 0.05, 0.0)
    changed = float((base != (model.default_probability(moved) < model.cutoff)).mean())
    suite.case("noise of 5 % changes at most one decision in twenty", changed <= 0.05)
    return suite


def security(model: CreditModel, samples: Samples) -> Suite:
    """Batches that do not fit the code book are refused, and the log shows changes."""
    suite, sample = Suite("security"), samples.monitoring
    for title, broken in _broken(sample).items():
        suite.case(f"refused: {title}", _refused(model, broken))
    suite.case("accepted: the batch as it is", not _refused(model, sample))
    log = DecisionLog()
    decide_batch(model, sample, log)
    for title, change in _TAMPERING.items():
        lines = change(list(log.lines))
        suite.case(f"log shows: {title}", not DecisionLog(lines).intact())
    return suite


_TAMPERING: dict[str, Callable[[list[str]], list[str]]] = {
    "a route changed": lambda lines: [
        lines[0].replace("approved", "underwriter").replace('"application": 0', '"application": 1'),
        *lines[1:],
    ],
    "a line taken out": lambda lines: [*lines[:3], *lines[4:]],
    "two lines swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "a line put in": lambda lines: [lines[0], lines[0], *lines[1:]],
}


def _broken(sample: Sample) -> dict[str, Sample]:
    def with_number(column: int, value: float) -> Sample:
        numbers = sample.numbers.copy()
        numbers[7, column] = value
        return replace(sample, numbers=numbers)

    def with_code(column: int, value: str) -> Sample:
        categories = sample.categories.astype("U32")
        categories[7, column] = value
        return replace(sample, categories=categories)

    return {
        "an amount of zero": with_number(1, 0.0),
        "a negative duration": with_number(0, -12.0),
        "an amount that is not a number": with_number(1, float("nan")),
        "an infinite amount": with_number(1, float("inf")),
        "an empty code": with_code(0, ""),
        "an unknown housing code": with_code(CATEGORIES.index("housing"), "A159"),
        "text in a code": with_code(2, "A40; drop table"),
    }


def _refused(model: CreditModel, sample: Sample) -> bool:
    try:
        decide_batch(model, sample, DecisionLog())
    except RefusedBatchError:
        return True
    return False


def log_integrity(model: CreditModel, sample: Sample, log: DecisionLog) -> Suite:
    """Decisions drawn at random can be traced and scored again to the same result; the chain of the log holds."""
    suite = Suite("log-integrity")
    suite.case("each line names the one before it", log.intact())
    suite.case("each line is complete", all(map(complete, log.lines)))
    for row in np.random.default_rng(metrics.SEED).choice(len(log.lines), TRACED, replace=False).tolist():
        suite.case(f"application {row} scored again", reconstruct(model, log.lines[row], sample))
    return suite


def preparation(samples: Samples) -> Suite:
    """Try that what the data sheet says about preparation is so."""
    suite = Suite("data-preparation")
    inputs = features(samples.everything)
    suite.case("protected columns are no inputs", not set(PROTECTED) & {*NUMERIC, *CATEGORIES})
    suite.case("every other column is an input", {*NUMERIC, *CATEGORIES, *PROTECTED, "credit"} == set(COLUMNS))
    suite.case(
        "codes become different numbers",
        all(
            len(np.unique(samples.everything.categories[:, i])) == len(np.unique(inputs[:, len(NUMERIC) + i]))
            for i in range(len(CATEGORIES))
        ),
    )
    suite.case("no value is missing after preparation", bool(np.isfinite(inputs).all()))
    suite.case("every row fits the code book", quality.invalid_share(samples.everything).value == 0)
    suite.case(
        "samples together are the table",
        sum(map(len, (samples.training, samples.validation, samples.monitoring))) == len(samples.everything),
    )
    return suite


def separation(samples: Samples) -> Suite:
    """No application stands in two samples, compared by all inputs."""
    suite = Suite("data-separation")
    rows = {
        sample.name: set(map(tuple, features(sample).tolist())) for sample in (samples.training, samples.validation, samples.monitoring)
    }
    for left, right in (("training", "validation"), ("training", "monitoring"), ("validation", "monitoring")):
        suite.case(f"{left} and {right} share no row", not rows[left] & rows[right])
    return suite
