"""What the risks that a page shows may cost in a year: curve, table, and what the numbers do not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from kybern.assessment import LossCurve, NoLossCurve, loss_curve
from kybern.records import RecordSet
from kybern.report import loss_curve_svg, loss_rows, loss_words
from kybern.report._losscurve import money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from kybern.assessment import LossShare
    from kybern.report import LossRow
    from kybern.server.live import Standing
    from kybern.server.pages._risk_list import RiskRow

SEED: Final = 42001
"""The same risks give the same curve, here and for whoever makes it again."""

_DRAWS: Final = 2_000_000
_FEWEST, _MOST = 2_000, 100_000
_SHARES: Final = 10
MOST_RISKS: Final = 1_000
"""Risks up to which a curve is made while somebody waits for it."""


@dataclass(frozen=True)
class LossView:
    """A curve as a page shows it."""

    curve: LossCurve
    svg: Markup
    compact: Markup
    """The same for a phone."""
    rows: tuple[LossRow, ...]
    words: tuple[str, ...]
    shares: tuple[LossShare, ...]
    others: int
    """Risks beyond the `shares` that are named."""

    def money(self, amount: float) -> str:
        """Write a sum in the currency of the curve."""
        return money(self.curve.currency, amount)


def years_for(risks: int) -> int:
    """Choose how many years are simulated: fewer where there are many risks, so that nobody waits long; the page says how many."""
    return min(max(_DRAWS // max(risks, 1) // 1000 * 1000, _FEWEST), _MOST)


def losses_of(standing: Standing, rows: Sequence[RiskRow]) -> LossView | NoLossCurve:
    """Make the curve of these risks alone, with the treatments that the reader may know of; or say why there is none."""
    if len(rows) > MOST_RISKS:
        why = _("There are %(count)d risks here, and up to %(most)d are simulated while you wait: narrow them by a filter.")
        return NoLossCurve(why % {"count": len(rows), "most": MOST_RISKS}, ())
    refs = frozenset(row.view.risk.ref for row in rows)
    hidden = frozenset(row.view.risk.ref for row in rows if not row.treatment_shown)
    return standing.assessment.once(("losses", refs, hidden), lambda: _made(standing, rows))


def _made(standing: Standing, rows: Sequence[RiskRow]) -> LossView | NoLossCurve:
    records = standing.records
    criteria = {row.view.risk.criteria for row in rows}
    stated = [one for one in map(records.get, sorted(criteria)) if one is not None]
    treatments = [row.view.treatment for row in rows if row.view.treatment is not None and row.treatment_shown]
    # The order of the set is the order of the draws' sum: by name, so that an order in the address changes no number.
    risks = sorted((row.view.risk for row in rows), key=lambda one: one.ref)
    found = loss_curve(RecordSet([*stated, *risks, *treatments]), SEED, years_for(len(risks)))
    if not isinstance(found, LossCurve):
        return found
    shares = sorted(found.residual.shares, key=lambda one: (-one.mean, one.ref))
    drawn = (loss_curve_svg(found), loss_curve_svg(found, compact=True))
    return LossView(found, *drawn, loss_rows(found), loss_words(found), tuple(shares[:_SHARES]), len(shares[_SHARES:]))


def honest(acceptable: int | None) -> str:
    """Say in one sentence what the curve is and what it is not."""
    appetite = (
        _("Appetite is stated as a score of up to %(bound)s, not as a sum, so no line of money is drawn") % {"bound": acceptable}
        if acceptable is not None
        else _("No appetite is stated in money, so no line of it is drawn")
    )
    return _(
        "%(appetite)s; the curve is only as good as the intervals that your criteria state, its band is the error of the simulation alone, "
        "and what would harm people or society without costing you money is not in it."
    ) % {"appetite": appetite}
