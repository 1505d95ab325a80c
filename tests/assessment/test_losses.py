"""The loss curve against closed forms, against a plain loop, and against what is not known."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
import world
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kybern.assessment import LossCurve, NoLossCurve, loss_curve
from kybern.assessment._losses import _Numbers, _wilson, simulate
from kybern.records import Record, RecordSet
from kybern.records.risk import Range, RiskCriteria

SEED = 20261120
RATES = {1: (0.02, 0.2), 2: (0.2, 0.6), 3: (0.6, 2), 4: (2, 8)}
LOSSES = {1: (50, 500), 2: (500, 10_000), 3: (5_000, 60_000), 4: (50_000, 900_000)}

Ranges = dict[int, tuple[float, float]]


def span(ends: tuple[float, float]) -> dict[str, float]:
    return {"low": ends[0], "high": ends[1]}


def criteria(identity: str = "money", rates: Ranges | None = None, losses: Ranges | None = None, **more: Any) -> RiskCriteria:
    rates, losses = RATES if rates is None else rates, LOSSES if losses is None else losses
    steps = [{"level": level, "name": "n", "meaning": "m"} for level in range(1, 6)]
    likelihood = [step | ({"per_year": span(rates[step["level"]])} if step["level"] in rates else {}) for step in steps]  # type: ignore[index]
    consequence = [step | ({"loss": span(losses[step["level"]])} if step["level"] in losses else {}) for step in steps]  # type: ignore[index]
    fields: dict[str, Any] = {"currency": "EUR", "method": "m", "acceptable_score": 4, "acceptance_authority": "role:risk-manager"}
    made = world.record("risk_criteria", identity, **{**fields, "likelihood": likelihood, "consequence": consequence, **more})
    assert isinstance(made, RiskCriteria)
    return made


def risk(identity: str, likelihood: int, own: int, others: int = 1, of: str = "money") -> Record:
    return world.record(
        "risk",
        identity,
        systems=["ai_system:scoring"],
        type="drift",
        scenario="s",
        consequences={"organization": own, "individuals": others, "society": 1},
        likelihood=likelihood,
        criteria=f"risk_criteria:{of}",
        assessor="person:ada",
        assessed_on="2026-05-01",
    )


def treatment(of: str, likelihood: int, consequence: int, identity: str = "", **more: Any) -> Record:
    left = {"residual_likelihood": likelihood, "residual_consequence": consequence}
    return world.record("treatment", identity or of, risk=f"risk:{of}", option="modify", plan="p", **left, **more)


def curve(*records: Record, years: int = 40_000, seed: int = SEED) -> LossCurve:
    found = loss_curve(RecordSet(records), seed, years)
    assert isinstance(found, LossCurve)
    return found


def mean_of(ends: tuple[float, float]) -> float:
    """E[X] of the lognormal with these 5 % and 95 % quantiles."""
    mu, sigma = (math.log(ends[0]) + math.log(ends[1])) / 2, math.log(ends[1] / ends[0]) / (2 * 1.6448536269514722)
    return math.exp(mu + sigma * sigma / 2)


def poisson_above(rate: float, count: int) -> float:
    return 1 - sum(math.exp(-rate) * rate**n / math.factorial(n) for n in range(count + 1))


# Closed forms


def test_the_mean_is_the_sum_of_rate_times_loss_and_the_simulation_agrees() -> None:
    found = curve(criteria(), risk("a", 3, 2), risk("b", 2, 3), years=200_000)
    exact = mean_of(RATES[3]) * mean_of(LOSSES[2]) + mean_of(RATES[2]) * mean_of(LOSSES[3])
    assert found.inherent.mean == pytest.approx(exact)
    assert found.inherent.simulated_mean == pytest.approx(exact, rel=0.03)
    assert [one.ref for one in found.inherent.shares] == ["risk:b", "risk:a"]
    assert sum(one.share for one in found.inherent.shares) == pytest.approx(1)
    assert found.inherent.shares[1].mean == pytest.approx(mean_of(RATES[3]) * mean_of(LOSSES[2]))


@pytest.mark.parametrize("rate", [0.05, 0.7, 3.0])
def test_a_single_risk_with_single_numbers_is_poisson(rate: float) -> None:
    found = curve(criteria(rates={3: (rate, rate)}, losses={2: (1000, 1000)}), risk("a", 3, 2), years=200_000)
    assert found.inherent.any_loss.probability == pytest.approx(1 - math.exp(-rate), abs=0.005)
    for point in found.inherent.points:
        exact = poisson_above(rate, math.floor(point.loss / 1000 + 1e-9))
        assert point.probability == pytest.approx(exact, abs=0.005)
        assert point.low <= point.probability <= point.high


def test_the_stated_band_holds_the_truth_about_as_often_as_it_says() -> None:
    records = RecordSet([criteria(rates={3: (0.7, 0.7)}, losses={2: (1000, 1000)}), risk("a", 3, 2)])
    exact, held = 1 - math.exp(-0.7), 0
    for seed in range(200):
        found = loss_curve(records, seed, 2000)
        assert isinstance(found, LossCurve)
        held += found.inherent.any_loss.low <= exact <= found.inherent.any_loss.high
    assert 178 <= held <= 200, held


def test_one_event_a_year_at_most_has_the_quantiles_of_its_loss() -> None:
    found = curve(criteria(rates={1: (0.01, 0.01)}, losses={3: (10_000, 100_000)}), risk("a", 1, 3), years=400_000)
    tail = next(point for point in found.inherent.points if point.loss == 100_000)
    assert tail.probability == pytest.approx(0.01 * 0.05, rel=0.25), "5 % of the events cost more than the upper end"
    assert [one.loss for one in found.inherent.quantiles[:2]] == [0, 0]


def test_quantiles_lie_on_the_curve() -> None:
    found = curve(criteria(), risk("a", 4, 3), risk("b", 2, 4)).inherent
    for quantile in found.quantiles:
        assert quantile.low <= quantile.loss <= quantile.high
        below = max((point for point in found.points if point.loss <= quantile.loss), key=lambda one: one.loss)
        above = min((point for point in found.points if point.loss >= quantile.loss), key=lambda one: one.loss)
        assert above.probability <= 1 - quantile.level + 1e-9 <= below.probability + 1e-4


# A plain loop


def looped(risks: list[_Numbers], years: int, seed: int) -> list[float]:
    """The same in the plainest way, with another generator: count by waiting times, one event after the other."""
    source, found = random.Random(seed), []  # noqa: S311  (no secret)

    def draw(ends: Range) -> float:
        mu, sigma = (math.log(ends.low) + math.log(ends.high)) / 2, math.log(ends.high / ends.low) / (2 * 1.6448536269514722)
        return math.exp(source.gauss(mu, sigma))

    for _ in range(years):
        total = 0.0
        for one in risks:
            rate, waited = draw(one.rate), 0.0
            while (waited := waited + source.expovariate(rate)) < 1:
                total += draw(one.loss)
        found.append(total)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_distribution_is_that_of_a_plain_loop(seed: int) -> None:
    risks = [numbers("a", (0.3, 1.5), (100, 1000)), numbers("b", (1, 4), (20, 80)), numbers("c", (0.05, 0.2), (5000, 5000))]
    fast, slow = np.sort(simulate(risks, seed, 20_000)), np.sort(looped(risks, 20_000, seed))
    both = np.concatenate([fast, slow])
    apart = np.abs(np.searchsorted(fast, both, side="right") - np.searchsorted(slow, both, side="right")).max() / 20_000
    assert apart < 1.95 * math.sqrt(2 / 20_000), "Kolmogorov and Smirnov, one in a thousand"


def numbers(name: str, rate: tuple[float, float], loss: tuple[float, float]) -> _Numbers:
    return _Numbers(f"risk:{name}", name, Range(**span(rate)), Range(**span(loss)), "EUR")


ranges = st.tuples(st.floats(0.01, 20), st.floats(1, 10)).map(lambda drawn: (drawn[0], drawn[0] * drawn[1]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ranges, ranges), min_size=1, max_size=4), st.integers(0, 2**64), st.integers(1, 400), st.integers(1, 500))
def test_chunks_and_other_risks_change_nothing(drawn: list[tuple[Any, Any]], seed: int, years: int, chunk: int) -> None:
    risks = [numbers(str(at), rate, loss) for at, (rate, loss) in enumerate(drawn)]
    whole = simulate(risks, seed, years)
    assert np.allclose(simulate(risks, seed, years, chunk), whole, rtol=1e-12)
    assert np.allclose(sum(simulate([one], seed, years) for one in risks), whole, rtol=1e-12)
    assert np.allclose(simulate(risks[::-1], seed, years), whole, rtol=1e-12)
    assert np.all(whole >= 0)


# The curve


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=5),
    st.integers(0, 1000),
)
def test_exceedance_never_rises_and_both_curves_ask_about_the_same_losses(drawn: list[tuple[int, int, int, int]], seed: int) -> None:
    records: list[Record] = [criteria()]
    for at, (likelihood, own, left, graver) in enumerate(drawn):
        records += [risk(str(at), likelihood, own, 4), treatment(str(at), min(left, likelihood), graver)]
    found = curve(*records, years=500, seed=seed)
    assert [one.loss for one in found.inherent.points] == [one.loss for one in found.residual.points]
    for side in (found.inherent, found.residual):
        shares = [one.probability for one in (side.any_loss, *side.points)]
        assert shares == sorted(shares, reverse=True)
        assert all(0 <= one.low <= one.probability <= one.high <= 1 for one in side.points)
        losses = [one.loss for one in side.points]
        assert losses == sorted(set(losses))
        assert len(losses) >= 2
    assert found.residual.mean <= found.inherent.mean * (1 + 1e-12), "no treatment here leaves more than there was"


def test_the_same_seed_gives_the_same_curve_and_another_another() -> None:
    records = (criteria(), risk("a", 3, 3), treatment("a", 2, 2))
    assert curve(*records) == curve(*records)
    assert curve(*records) != curve(*records, seed=SEED + 1)
    assert f"seed {SEED}" in curve(*records).method


def test_after_treatment_the_organisation_bears_no_more_than_the_gravest_that_is_left_and_than_before() -> None:
    found = curve(criteria(), risk("a", 3, 2, others=4), treatment("a", 2, 4, done_on="2026-06-01"))
    assert found.residual.mean == pytest.approx(mean_of(RATES[2]) * mean_of(LOSSES[2]))
    lower = curve(criteria(), risk("a", 3, 3), treatment("a", 3, 1), treatment("a", 3, 2, "b"))
    assert lower.residual.mean == pytest.approx(mean_of(RATES[3]) * mean_of(LOSSES[1])), "of several treatments the one that leaves least"
    assert found.pending == ()
    assert lower.pending == ("treatment:a",)


def test_what_nothing_treats_stays_what_it_is() -> None:
    found = curve(criteria(), risk("a", 3, 3))
    assert found.inherent == found.residual


# What is not known


def test_risks_without_numbers_are_left_out_with_the_reason() -> None:
    records = (
        criteria(),
        criteria("words", {}, {}, currency=None),
        risk("a", 3, 3),
        risk("b", 5, 3),
        risk("c", 3, 5),
        risk("d", 3, 3),
        treatment("d", 5, 3),
        risk("e", 3, 3, of="words"),
        risk("f", 3, 3, of="gone"),
    )
    found = curve(*records, years=100)
    assert {one.ref.partition(":")[2]: one.why for one in found.left_out} == {
        "b": "likelihood 5 is not stated in events a year",
        "c": "consequence 5 for the organisation is not stated in money",
        "d": "likelihood 5 after treatment is not stated in events a year",
        "e": "likelihood 3 is not stated in events a year",
        "f": "its criteria risk_criteria:gone are not recorded",
    }
    assert [one.ref for one in found.inherent.shares] == ["risk:a"]


def test_without_numbers_there_is_no_curve_and_words_why() -> None:
    found = loss_curve(world.records(), SEED)
    assert isinstance(found, NoLossCurve)
    assert found.why.startswith("The criteria give no numbers")
    assert [one.ref for one in found.left_out] == ["risk:bias"]
    empty = loss_curve(RecordSet([]), SEED)
    assert isinstance(empty, NoLossCurve)
    assert empty.why == "No risk is recorded."


def test_two_currencies_are_not_added() -> None:
    found = loss_curve(RecordSet([criteria(), criteria("pound", currency="GBP"), risk("a", 3, 3), risk("b", 3, 3, of="pound")]), SEED, 10)
    assert isinstance(found, NoLossCurve)
    assert found.why == "The criteria state losses in EUR and GBP, and these are not added."


@pytest.mark.parametrize("years", [0, -1, 10**9])
def test_too_few_and_too_many_years_are_refused(years: int) -> None:
    with pytest.raises(ValueError, match="cannot be simulated"):
        loss_curve(RecordSet([]), SEED, years)


def test_years_in_which_nothing_happens_are_drawn_too() -> None:
    found = curve(criteria(rates={1: (1e-9, 1e-9)}), risk("a", 1, 1), years=10)
    assert found.inherent.any_loss.probability == 0
    assert found.inherent.any_loss.high > 0.2, "ten years show little"
    assert len(found.inherent.points) >= 2


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_band_lies_about_the_share(hits: int, more: int) -> None:
    low, high = _wilson(hits, hits + more)
    assert 0 <= low <= hits / (hits + more) <= high <= 1


# The records


def test_numbers_are_checked_where_they_are_stated() -> None:
    with pytest.raises(ValidationError, match="low is above high"):
        Range(low=2, high=1)
    with pytest.raises(ValidationError, match="greater than 0"):
        Range(low=0, high=1)
    with pytest.raises(ValidationError, match="running cost"):
        criteria(rates={3: (1, 5000)})
    with pytest.raises(ValidationError, match="without their currency"):
        criteria(currency=None)
    with pytest.raises(ValidationError, match="pattern"):
        criteria(currency="euro")


def test_criteria_that_state_no_numbers_keep_their_digest() -> None:
    stated = world.records().get("risk_criteria:criteria")
    assert stated is not None
    assert stated.digest == "c3d8802b32e711e4ea8491b0433d36141e568d02b6c58bb5d650135ab6ff4cee", "as before there were any"
    assert criteria().digest != criteria(losses={}).digest
