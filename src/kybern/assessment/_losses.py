"""Losses in numbers: how likely the risks together cost more than a sum in a year, before treatment and after."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, cast

import numpy as np

from kybern.assessment._status import Floats
from kybern.records import RecordSet
from kybern.records.risk import Range, Risk, RiskCriteria, Treatment

YEARS: Final = 100_000
"""How many years are simulated unless told otherwise."""

_MOST_YEARS: Final = 5_000_000
_CHUNK: Final = 8192
_EVENTS: Final = 1_000_000
"""About how many events are held at once."""

_Z90: Final = NormalDist().inv_cdf(0.95)
_Z95: Final = NormalDist().inv_cdf(0.975)
_LEVELS: Final = (0.5, 0.9, 0.95, 0.99)
_PREFERRED: Final = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_DECADES: Final = 8


@dataclass(frozen=True, slots=True)
class ExceedancePoint:
    """How likely a year costs more than `loss`; `low` and `high` bound the error of the simulation (95 %, Wilson), nothing else."""

    loss: float
    probability: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LossQuantile:
    """The sum that a year's losses stay within with probability `level`; `low` and `high` bound the error of the simulation (95 %)."""

    level: float
    loss: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LossShare:
    """What a risk costs a year on average, and its share of all risks' average, 0 to 1."""

    ref: str
    title: str
    mean: float
    share: float


@dataclass(frozen=True, slots=True)
class Losses:
    """A year's losses. `mean` and `shares` are exact for the stated ranges; `simulated_mean` is what the simulation came to."""

    any_loss: ExceedancePoint
    points: tuple[ExceedancePoint, ...]
    quantiles: tuple[LossQuantile, ...]
    mean: float
    simulated_mean: float
    shares: tuple[LossShare, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A risk without the numbers the curve needs, and which are missing."""

    ref: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class NoLossCurve:
    """Why there is no curve. What is not known is not drawn."""

    why: str
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class LossCurve:
    """The losses of the same risks before treatment and after, at the same losses, by the same draws."""

    currency: str
    seed: int
    years: int
    inherent: Losses
    residual: Losses
    left_out: tuple[LeftOut, ...]
    pending: tuple[str, ...]
    """Treatments that are not done yet; the curve after treatment takes them for done."""

    @property
    def method(self) -> str:
        """How the numbers were made, in words."""
        return (
            f"{self.years} simulated years, seed {self.seed}. In each year a risk happens a number of times that is Poisson about a rate, "
            "the rate lognormal with the 90 % interval stated for its likelihood; each event costs a sum that is lognormal with the 90 % "
            "interval stated for its consequence for the organisation. Risks are taken as independent of each other. The bands are the "
            "95 % error of the simulation alone; how good the stated intervals are, they do not say."
        )


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A risk in numbers at one time: its ranges of events a year and of loss an event."""

    ref: str
    title: str
    rate: Range
    loss: Range
    currency: str

    @property
    def mean(self) -> float:
        """What it costs a year on average: both are independent, so their means multiply."""
        return _mean(self.rate) * _mean(self.loss)


def loss_curve(records: RecordSet, seed: int, years: int = YEARS) -> LossCurve | NoLossCurve:
    """Simulate the yearly losses of every risk whose criteria give numbers to its steps; without numbers, say why there is no curve.

    After treatment a risk has the likelihood its treatment states. The consequence stated there is the gravest of three, so the
    organisation's own is the lower of it and of what it was before; a risk that nothing treats stays what it is. The same records, seed
    and years give the same curve with the same NumPy. Raises `ValueError` for fewer years than one, or more than can be held.
    """
    if not 1 <= years <= _MOST_YEARS:
        msg = f"{years} years cannot be simulated; 1 to {_MOST_YEARS} can"
        raise ValueError(msg)
    risks = cast("tuple[Risk, ...]", records.of_kind("risk"))
    treatments = _treatments(records)
    before: list[_Numbers] = []
    after: list[_Numbers] = []
    left_out: list[LeftOut] = []
    for risk in risks:
        pair = _numbers(records, risk, treatments.get(risk.ref))
        if isinstance(pair, str):
            left_out.append(LeftOut(risk.ref, risk.title, pair))
        else:
            before.append(pair[0])
            after.append(pair[1])
    currencies = sorted({one.currency for one in before})
    if not before:
        return NoLossCurve(_why_none(len(risks)), tuple(left_out))
    if len(currencies) > 1:
        return NoLossCurve(f"The criteria state losses in {' and '.join(currencies)}, and these are not added.", tuple(left_out))
    annual = [simulate(numbers, seed, years) for numbers in (before, after)]
    grid = _grid(annual, before + after)
    inherent, residual = (_losses(numbers, found, grid) for numbers, found in zip((before, after), annual, strict=True))
    counted = [treatments[one.ref] for one in before if one.ref in treatments]
    pending = tuple(one.ref for one in counted if one.done_on is None)
    return LossCurve(currencies[0], seed, years, inherent, residual, tuple(left_out), pending)


def _why_none(risks: int) -> str:
    if not risks:
        return "No risk is recorded."
    return "The criteria give no numbers: no likelihood in events a year and no consequence in money for any risk that is recorded."


def _treatments(records: RecordSet) -> dict[str, Treatment]:
    """Give each risk the one of its treatments that leaves least, as the risk matrix does."""
    found = cast("tuple[Treatment, ...]", records.of_kind("treatment"))
    least = sorted(found, key=lambda one: (one.residual_likelihood * one.residual_consequence, one.id))
    return {one.risk: one for one in reversed(least)}


# --- numbers of a risk ---------------------------------------------------------------------------------------------------------


def _criteria(records: RecordSet, risk: Risk) -> RiskCriteria | None:
    found = records.get(risk.criteria)
    return found if isinstance(found, RiskCriteria) else None


def _numbers(records: RecordSet, risk: Risk, treatment: Treatment | None) -> tuple[_Numbers, _Numbers] | str:
    """Give a risk in numbers before and after treatment, or say what is missing."""
    criteria = _criteria(records, risk)
    if criteria is None:
        return f"its criteria {risk.criteria} are not recorded"
    likely, own = risk.likelihood, risk.consequences.organization
    steps = [(likely, own), (likely, own)]
    if treatment is not None:
        steps[1] = (treatment.residual_likelihood, min(own, treatment.residual_consequence))
    rates = {step.level: step.per_year for step in criteria.likelihood}
    losses = {step.level: step.loss for step in criteria.consequence}
    found = []
    for at, (likelihood, consequence) in enumerate(steps):
        when = " after treatment" if at else ""
        rate, loss = rates.get(likelihood), losses.get(consequence)
        if rate is None:
            return f"likelihood {likelihood}{when} is not stated in events a year"
        if loss is None:
            return f"consequence {consequence} for the organisation{when} is not stated in money"
        found.append(_Numbers(risk.ref, risk.title, rate, loss, criteria.currency or ""))
    return found[0], found[1]


def _lognormal(found: Range) -> tuple[float, float]:
    """Give mean and deviation of the logarithm of what lies in a range nine times in ten."""
    low, high = math.log(found.low), math.log(found.high)
    return (low + high) / 2, (high - low) / (2 * _Z90)


def _mean(found: Range) -> float:
    mu, sigma = _lognormal(found)
    return math.exp(mu + sigma**2 / 2)


# --- simulation ----------------------------------------------------------------------------------------------------------------


def simulate(risks: Sequence[_Numbers], seed: int, years: int, chunk: int = _CHUNK) -> Floats:
    """Draw the loss of each year (years,). Every risk has streams of its own, so one more risk changes nothing about the others."""
    total = np.zeros(years)
    for risk in risks:
        size = max(1, min(chunk, int(_EVENTS / max(risk.rate.high, 1.0))))
        _add(total, risk, _streams(risk.ref, seed), size)
    return total


def _streams(ref: str, seed: int) -> list[np.random.Generator]:
    """Give generators for rates, counts and losses, by seed and name: apart, so that the size of a chunk does not matter."""
    name = int.from_bytes(hashlib.sha256(ref.encode()).digest()[:16])
    return [np.random.default_rng(one) for one in np.random.SeedSequence([seed, name]).spawn(3)]


def _add(total: Floats, risk: _Numbers, streams: Sequence[np.random.Generator], size: int) -> None:
    rates, counts, losses = streams
    for start in range(0, len(total), size):
        part = total[start : start + size]
        events = counts.poisson(_drawn(rates, risk.rate, len(part)))
        sums = _drawn(losses, risk.loss, int(events.sum()))
        part += np.bincount(np.repeat(np.arange(len(part)), events), weights=sums, minlength=len(part))


def _drawn(stream: np.random.Generator, found: Range, count: int) -> Floats:
    """Draw from a range; one that is a single number is that number."""
    if found.low == found.high:
        return np.full(count, found.low)
    return stream.lognormal(*_lognormal(found), count)


# --- what is said of it --------------------------------------------------------------------------------------------------------


def _grid(annual: Iterable[Floats], risks: Iterable[_Numbers]) -> tuple[float, ...]:
    """Choose the losses asked about: preferred numbers, ten a decade, from small years to the worst that the simulation can tell of."""
    seen = [found[found > 0] for found in annual]
    ends = [end for found in seen if len(found) for end in np.quantile(found, [0.01, 0.9995]).tolist()]
    ends = ends or [end for risk in risks for end in (risk.loss.low, risk.loss.high)]
    top = math.ceil(math.log10(max(ends)) + 1e-9)
    bottom = max(math.floor(math.log10(min(ends))), top - _DECADES)
    wanted = [number * 10.0**decade for decade in range(bottom, top) for number in _PREFERRED]
    last = next((at for at, one in enumerate(wanted) if one >= max(ends)), len(wanted) - 1)
    first = max((at for at, one in enumerate(wanted) if one <= min(ends)), default=0)
    return tuple(wanted[first : max(last, first + 1) + 1])


def _losses(risks: Sequence[_Numbers], annual: Floats, grid: Sequence[float]) -> Losses:
    ranked = np.sort(annual)
    years = len(ranked)

    def point(loss: float) -> ExceedancePoint:
        above = years - int(np.searchsorted(ranked, loss, side="right"))
        return ExceedancePoint(loss, above / years, *_wilson(above, years))

    def quantile(level: float) -> LossQuantile:
        spread = _Z95 * math.sqrt(years * level * (1 - level))
        places = (level * years, level * years - spread, level * years + spread)
        return LossQuantile(level, *(float(ranked[min(max(math.ceil(at) - 1, 0), years - 1)]) for at in places))

    mean = sum(risk.mean for risk in risks)
    shares = sorted((LossShare(risk.ref, risk.title, risk.mean, risk.mean / mean) for risk in risks), key=lambda one: (-one.mean, one.ref))
    return Losses(point(0.0), tuple(map(point, grid)), tuple(map(quantile, _LEVELS)), mean, float(annual.mean()), tuple(shares))


def _wilson(hits: int, count: int) -> tuple[float, float]:
    """Bound a share of `count` draws with 95 % confidence."""
    share, square = hits / count, _Z95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = _Z95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
