"""Confidence intervals of a share that was counted: Clopper-Pearson (exact) and Wilson (score). Pure, and without a statistics package."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

MAX_COUNT = 10**7
"""The largest sample an interval is computed for."""

_STEPS = 200
_TERMS = 5000
_TINY = 1e-300


def clopper_pearson(hits: int, count: int, level: float) -> tuple[float, float]:
    """Give the bounds that hold at least as often as `level` says, whatever the true share is."""
    tail = (1 - level) / 2
    lower = 0.0 if hits == 0 else _solve(lambda share: beta_share(share, hits, count - hits + 1), tail)
    upper = 1.0 if hits == count else _solve(lambda share: beta_share(share, hits + 1, count - hits), 1 - tail)
    return lower, upper


def wilson(hits: int, count: int, level: float) -> tuple[float, float]:
    """Give the score interval: it holds about as often as `level` says."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, weight = hits / count, z * z / count
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return (0.0 if hits == 0 else max(0.0, middle - half)), (1.0 if hits == count else min(1.0, middle + half))


def beta_share(x: float, a: float, b: float) -> float:
    """Compute the regularised incomplete beta function: how much of a beta distribution lies below x."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Sum the continued fraction by Lentz's method."""
    c, d = 1.0, 1 / _kept(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _TERMS):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 / _kept(1 + step * d)
            c = _kept(1 + step / c)
            found *= d * c
        if abs(d * c - 1) < 1e-15:  # noqa: PLR2004 - the last digit of a double
            break
    return found


def _kept(value: float) -> float:
    """Keep a number from nothing, which nothing can be divided by."""
    return value if abs(value) > _TINY else _TINY


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    """Find where a function that rises from 0 to 1 reaches a value, by halving."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
