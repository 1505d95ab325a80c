"""Risks as pages show them: before treatment and after, how they are treated, whether they may stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from django.utils.translation import gettext_lazy as _

from kybern.records.risk import RiskCriteria, Treatment
from kybern.report import Mark, matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from markupsafe import Markup

    from kybern.records import RecordSet
    from kybern.records.risk import Risk
    from kybern.server.live import Standing

LEVELS: Final = {
    "very-high": _("very high"),
    "high": _("high"),
    "medium": _("medium"),
    "low": _("low"),
    "very-low": _("very low"),
}
"""Bands of a score, the highest first: the shades of the matrix."""

_MARKS: Final = 4
"""Marks that a cell has room for."""

_BOUNDS: Final = ((15, "very-high"), (10, "high"), (6, "medium"), (4, "low"))

STATES: Final = {
    "untreated": _("not treated"),
    "planned": _("treatment planned"),
    "treated": _("treated"),
    "accepted": _("accepted"),
}


@dataclass(frozen=True)
class RiskView:
    """A risk with the treatment that leaves least, if it has one."""

    risk: Risk
    treatment: Treatment | None
    treatments: int
    acceptable: int | None
    """The score that its criteria accept; None where the criteria are not there."""
    day: date

    @property
    def consequence(self) -> int:
        """The gravest of the three consequences."""
        rated = self.risk.consequences
        return max(rated.organization, rated.individuals, rated.society)

    @property
    def inherent(self) -> int:
        """Likelihood times consequence before treatment."""
        return self.risk.likelihood * self.consequence

    @property
    def place_after(self) -> tuple[int, int]:
        """Likelihood and consequence after treatment; a risk without one stays where it is."""
        one = self.treatment
        return (self.risk.likelihood, self.consequence) if one is None else (one.residual_likelihood, one.residual_consequence)

    @property
    def residual(self) -> int | None:
        """Likelihood times consequence after treatment."""
        return None if self.treatment is None else self.treatment.residual_likelihood * self.treatment.residual_consequence

    @property
    def state(self) -> str:
        """How it is treated."""
        one = self.treatment
        if one is None:
            return "untreated"
        if one.accepted_by is not None and one.accepted_on is not None and one.accepted_on <= self.day:
            return "accepted"
        return "treated" if one.done_on is not None and one.done_on <= self.day else "planned"

    @property
    def now(self) -> int:
        """The score as it is now: treatment counts once it is done."""
        done = self.treatment is not None and self.treatment.done_on is not None and self.treatment.done_on <= self.day
        return self.residual if done and self.residual is not None else self.inherent

    @property
    def open(self) -> bool:
        """Whether it lies above what its criteria accept, and nobody accepted it; what cannot be told counts as open."""
        return self.state != "accepted" and (self.acceptable is None or self.now > self.acceptable)

    @property
    def level(self) -> str:
        """The band of the score as it is now."""
        return level_of(self.now)


def level_of(score: int) -> str:
    """Give the band of a score."""
    return next((name for bound, name in _BOUNDS if score > bound), "very-low")


def risk_views(standing: Standing) -> dict[str, RiskView]:
    """Give every risk by its name, the gravest first."""

    def make() -> dict[str, RiskView]:
        records, day = standing.records, standing.as_of.date()
        found = [_view(records, risk, day) for risk in cast("tuple[Risk, ...]", records.of_kind("risk"))]
        return {one.risk.ref: one for one in sorted(found, key=lambda one: (-one.now, -one.inherent, one.risk.ref))}

    return standing.assessment.once("risk-views", make)


def _view(records: RecordSet, risk: Risk, day: date) -> RiskView:
    named = (records.get(ref) for ref, _link in records.named_by.get(risk.ref, ()))
    treatments = sorted(
        {one.ref: one for one in named if isinstance(one, Treatment) and one.risk == risk.ref}.values(),
        key=lambda one: (one.residual_likelihood * one.residual_consequence, one.id),
    )
    criteria = records.get(risk.criteria)
    acceptable = criteria.acceptable_score if isinstance(criteria, RiskCriteria) else None
    return RiskView(risk, treatments[0] if treatments else None, len(treatments), acceptable, day)


def risks_by_system(standing: Standing) -> dict[str, tuple[RiskView, ...]]:
    """Give the risks of each AI system, the gravest first."""

    def make() -> dict[str, tuple[RiskView, ...]]:
        found: dict[str, list[RiskView]] = {}
        for one in risk_views(standing).values():
            for system in one.risk.systems:
                found.setdefault(system, []).append(one)
        return {system: tuple(views) for system, views in found.items()}

    return standing.assessment.once("risks-by-system", make)


def acceptable_of(views: Sequence[RiskView]) -> int | None:
    """Give the score that all criteria accept; None where they differ."""
    bounds = {one.acceptable for one in views}
    return bounds.pop() if len(bounds) == 1 else None


def matrices(
    views: Sequence[RiskView],
    before: str,
    after: str,
    cell: Callable[[str, int, int], str],
    href: Callable[[RiskView], str],
) -> tuple[Markup, Markup]:
    """Draw the matrix before treatment and after, numbered as the table is; cells lead to the risks in them, marks to their risk.

    A cell of many risks says how many they are: marks that nobody could read would say nothing.
    """
    acceptable = acceptable_of(views)
    by_number = dict(enumerate(views, 1))
    first = [Mark(number, one.risk.likelihood, one.consequence, one.risk.title) for number, one in by_number.items()]
    second = [Mark(number, *one.place_after, one.risk.title) for number, one in by_number.items()]

    def drawn(label: str, marks: list[Mark], name: str) -> Markup:
        return matrix(
            label, marks, acceptable, cells=lambda x, y: cell(name, x, y), dots=lambda mark: href(by_number[mark.number]), most=_MARKS
        )

    return drawn(before, first, "inherent"), drawn(after, second, "residual")
