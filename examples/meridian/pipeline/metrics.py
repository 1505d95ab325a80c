"""What is measured on the credit model, each with its interval by bootstrap (percentiles of 500 resamples, seed fixed)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from credit import CreditModel, features, fit
from numpy.typing import NDArray
from table import CATEGORIES, NUMERIC, Bools, Floats, Sample

RESAMPLES = 500
LEVEL = 0.95
SEED = 1994
CALIBRATION_BINS = 5
SCORE_BINS = 10
NUMBER_BINS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its interval and the number of rows it rests on."""

    value: float
    lower: float | None
    upper: float | None
    sample_size: int


def with_interval(statistic: Callable[[NDArray[np.int64]], float], rows: int) -> Figure:
    """Compute a statistic of row positions on all rows and on resamples of them; resamples that lack a group are left out."""
    generator = np.random.default_rng(SEED)
    drawn = [statistic(generator.integers(0, rows, rows)) for _ in range(RESAMPLES)]
    kept = [value for value in drawn if np.isfinite(value)]
    tail = (1 - LEVEL) / 2 * 100
    lower, upper = np.percentile(kept, [tail, 100 - tail])
    return Figure(round(statistic(np.arange(rows)), 6), round(float(lower), 6), round(float(upper), 6), rows)


def auc(defaulted: Bools, scores: Floats) -> float:
    """Area under the ROC curve; not a number where one class is missing."""
    bad = int(defaulted.sum())
    if not 0 < bad < len(defaulted):
        return float("nan")
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    return (float(ranks[defaulted].sum()) - bad * (bad + 1) / 2) / (bad * (len(defaulted) - bad))


def discrimination(model: CreditModel, sample: Sample) -> Figure:
    """AUC with interval."""
    scores, bad = model.default_probability(sample), ~sample.repaid
    return with_interval(lambda rows: auc(bad[rows], scores[rows]), len(sample))


def brier(model: CreditModel, sample: Sample) -> Figure:
    """Brier score with interval."""
    gap = (model.default_probability(sample) - ~sample.repaid) ** 2
    return with_interval(lambda rows: float(gap[rows].mean()), len(sample))


def calibration_error(model: CreditModel, sample: Sample) -> Figure:
    """Compute the expected calibration error over bins of equal count, with interval."""
    scores, bad = model.default_probability(sample), ~sample.repaid

    def error(rows: NDArray[np.int64]) -> float:
        order = rows[np.argsort(scores[rows], kind="stable")]
        bins = np.array_split(order, CALIBRATION_BINS)
        return float(sum(len(part) * abs(scores[part].mean() - bad[part].mean()) for part in bins) / len(rows))

    return with_interval(error, len(sample))


def rate_difference(approved: Bools, group: Bools, among: Bools) -> Figure:
    """Absolute difference in the approval rate between a group and the others, among some rows, with interval."""

    def difference(rows: NDArray[np.int64]) -> float:
        inside, outside = rows[group[rows] & among[rows]], rows[~group[rows] & among[rows]]
        if not len(inside) or not len(outside):
            return float("nan")
        return float(abs(approved[inside].mean() - approved[outside].mean()))

    return with_interval(difference, len(approved))


def stability_index(then: Floats, now: Floats) -> float:
    """Compute the population stability index of two distributions over the same bins, natural logarithm, half a row added to each bin."""
    share_then = (then + 0.5) / (then + 0.5).sum()
    share_now = (now + 0.5) / (now + 0.5).sum()
    return float(((share_now - share_then) * np.log(share_now / share_then)).sum())


def frozen_index(reference: Floats, current: Floats, bins: int) -> float:
    """Compute the population stability index of numbers, bins frozen at quantiles of the reference."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bins + 1))[1:-1])
    count = len(edges) + 1
    then = np.bincount(np.searchsorted(edges, reference, side="right"), minlength=count).astype(np.float64)
    now = np.bincount(np.searchsorted(edges, current, side="right"), minlength=count).astype(np.float64)
    return stability_index(then, now)


def score_drift(model: CreditModel, monitoring: Sample) -> Figure:
    """Drift of the score between training (out-of-fold) and monitoring, with interval over monitoring rows."""
    scores = model.default_probability(monitoring)
    return with_interval(lambda rows: frozen_index(model.training_scores, scores[rows], SCORE_BINS), len(monitoring))


def feature_drift(training: Sample, monitoring: Sample) -> tuple[str, Figure]:
    """Name the input that moved most and give its index."""
    found = {name: frozen_index(training.numbers[:, i], monitoring.numbers[:, i], NUMBER_BINS) for i, name in enumerate(NUMERIC)}
    for i, name in enumerate(CATEGORIES):
        known = sorted({*training.categories[:, i], *monitoring.categories[:, i]})
        then = np.array([(training.categories[:, i] == code).sum() for code in known], dtype=np.float64)
        now = np.array([(monitoring.categories[:, i] == code).sum() for code in known], dtype=np.float64)
        found[name] = stability_index(then, now)
    worst = max(found, key=lambda name: found[name])
    return worst, Figure(round(found[worst], 6), None, None, len(monitoring))


def perturbed(sample: Sample, generator: np.random.Generator, noise: float, swapped: float) -> Sample:
    """Move duration and amount by normal noise, and replace a share of each category column by other rows' values."""
    numbers = sample.numbers.copy()
    numbers[:, :2] *= np.clip(generator.normal(1.0, noise, (len(sample), 2)), 0.1, None)
    categories = sample.categories.copy()
    for column in range(categories.shape[1]):
        hit = generator.random(len(sample)) < swapped
        categories[hit, column] = generator.permutation(sample.categories[:, column])[hit]
    return replace(sample, numbers=numbers, categories=categories)


def robustness(model: CreditModel, sample: Sample, noise: float = 0.2, swapped: float = 0.1, draws: int = 20) -> Figure:
    """Mean AUC over perturbed copies of the sample, with the range of the draws."""
    generator = np.random.default_rng(SEED)
    found = [auc(~sample.repaid, model.default_probability(perturbed(sample, generator, noise, swapped))) for _ in range(draws)]
    return Figure(round(float(np.mean(found)), 6), round(min(found), 6), round(max(found), 6), len(sample))


def main_reasons(model: CreditModel, sample: Sample) -> NDArray[np.int64]:
    """For each row the three inputs that move its score most when replaced by the sample's usual value, shape (n, 3)."""
    inputs = features(sample)
    rows, columns = inputs.shape
    variants = np.repeat(inputs[np.newaxis], columns + 1, axis=0)
    for column in range(columns):
        variants[column, :, column] = _usual(inputs[:, column], number=column < len(NUMERIC))
    scores = model.probability_of(variants.reshape(-1, columns)).reshape(columns + 1, rows)
    moved = np.abs(scores[:columns] - scores[columns]).T
    return np.argsort(-moved, axis=1, kind="stable")[:, :3]


def _usual(values: Floats, *, number: bool) -> float:
    """Give the median of a number, the commonest code of a category."""
    if number:
        return float(np.median(values))
    codes, counts = np.unique(values, return_counts=True)
    return float(codes[counts.argmax()])


def reason_stability(model: CreditModel, training: Sample, sample: Sample, refits: int = 10) -> Figure:
    """Mean share of the three main reasons that survive a re-fit on a bootstrap sample, with the range of the re-fits."""
    generator = np.random.default_rng(SEED)
    reference = main_reasons(model, sample)
    found = []
    for _ in range(refits):
        rows = generator.integers(0, len(training), len(training))
        again = main_reasons(replace(model, fitted=fit(training.take(rows, "resample"))), sample)
        kept = [len(set(left) & set(right)) / 3 for left, right in zip(reference.tolist(), again.tolist(), strict=True)]
        found.append(float(np.mean(kept)))
    return Figure(round(float(np.mean(found)), 6), round(min(found), 6), round(max(found), 6), len(sample))
