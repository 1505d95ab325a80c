"""The list of evidence: what its address asks for, as conditions that the indexes of the table serve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kybern.assessment import EvidenceTable, describe
from kybern.catalog import PredicateType, Strength
from kybern.evidence import standing
from kybern.server.access.permissions import Permission
from kybern.server.live import standing_if_ready
from kybern.server.pages._asked import asked, number, titles
from kybern.server.store.evidence import read_pieces
from kybern.server.store.models import EvidenceSubject, TrustedKeyRow
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import visible_evidence, visible_records
from kybern.server.wording import say, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from kybern.evidence import Evidence
    from kybern.server.access.actor import Actor
    from kybern.server.store.models import EvidenceRow

ORDER: Final = ("-observed_at", "id")
PERIODS: Final = (7, 30, 90, 365)
STANDINGS: Final = {
    "valid": gettext_lazy("stands"),
    "expired": gettext_lazy("expired"),
    "not-yet-valid": gettext_lazy("not yet"),
}
_HEX: Final = frozenset("0123456789abcdef")
_NAMED: Final = 200
"""Records by whose title evidence is found."""


@dataclass(frozen=True)
class Listed:
    """A piece in the list: what it says in words, what it is about, how it stands at the moment."""

    piece: Evidence
    says: str
    about: tuple[tuple[str, str | None], ...]
    """The records it names, each with its title if the reader may know it."""
    standing: str


def filtered(who: Actor, request: HttpRequest, now: datetime) -> QuerySet[EvidenceRow]:
    """Choose the evidence that the address asks for among what the reader may see."""
    rows = visible_evidence(who)
    kind, topic, about, signer = (asked(request, name) for name in ("predicate", "topic", "about", "signer"))
    if kind:
        rows = rows.filter(predicate=kind)
    if topic:
        rows = rows.filter(topic=topic)
    if about:
        rows = rows.filter(id__in=EvidenceSubject.objects.filter(ref=about).values("evidence"))
    if signer:
        rows = rows.annotate(signed=Cast("signers", TextField())).filter(signed__contains=f'"{signer}"')
    strength = number(asked(request, "strength"), [int(one) for one in Strength])
    if strength is not None:
        rows = rows.filter(strength__gte=strength)
    period = number(asked(request, "period"), PERIODS)
    if period is not None:
        rows = rows.filter(observed_at__gte=now - timedelta(days=period))
    rows = _standing(rows, asked(request, "standing"), now)
    text = asked(request, "q").lower()
    return rows.filter(_by_text(who, text)) if text else rows


def _standing(rows: QuerySet[EvidenceRow], wanted: str, now: datetime) -> QuerySet[EvidenceRow]:
    conditions = {
        "valid": Q(observed_at__lte=now) & (Q(expires_at=None) | Q(expires_at__gte=now)),
        "expired": Q(expires_at__lt=now),
        "not-yet-valid": Q(observed_at__gt=now),
    }
    return rows.filter(conditions[wanted]) if wanted in conditions else rows


def _by_text(who: Actor, text: str) -> Q:
    """Find by the beginning of an id, by words of the topic, and by the records a piece is about."""
    found = Q(topic__contains=text.replace(" ", "-")) | Q(topic__contains=text)
    if set(text) <= _HEX:
        found |= Q(id__startswith=text)
    named = list(visible_records(who).filter(text__contains=text).order_by("ref").values_list("ref", flat=True)[:_NAMED])
    return found | Q(id__in=EvidenceSubject.objects.filter(ref__in=named).values("evidence"))


def listed(who: Actor, rows: Sequence[EvidenceRow], now: datetime) -> list[Listed]:
    """Say rows in words."""
    pieces = read_pieces(rows)
    named = titles(who, (subject.ref for piece in pieces for subject in piece.subjects))
    return [
        Listed(
            piece,
            describe(piece).partition(": ")[2],
            tuple((subject.ref, named.get(subject.ref)) for subject in piece.subjects),
            standing(piece, now),
        )
        for piece in pieces
    ]


def selects(who: Actor, request: HttpRequest) -> list[dict[str, Any]]:
    """Give the filters with their choices."""
    about = asked(request, "about")
    found: list[dict[str, Any]] = [
        {"name": "predicate", "label": _("Type"), "options": [(one.value, words(one.value)) for one in PredicateType]},
        {"name": "topic", "label": _("Topic"), "options": [(one, words(one)) for one in _topics(who)]},
        {"name": "signer", "label": _("Signed by"), "options": [(one, one) for one in _signers(who)]},
        {"name": "strength", "label": _("At least"), "options": [(str(int(one)), say(one.label)) for one in Strength]},
        {"name": "standing", "label": _("Standing"), "options": list(STANDINGS.items())},
        {"name": "period", "label": _("Observed"), "options": [(str(days), _("in %d days") % days) for days in PERIODS]},
    ]
    if about:
        found.insert(0, {"name": "about", "label": _("About"), "options": [(about, titles(who, [about]).get(about, about))]})
    return found


def _topics(who: Actor) -> list[str]:
    if root_unit() in who.where(Permission.EVIDENCE_READ):
        standing = standing_if_ready()
        table = EvidenceTable(()) if standing is None else standing.assessment.evidence
        return sorted({topic for kind in PredicateType for _kind, topic in table.groups(kind, None)})
    return sorted(visible_evidence(who).order_by().values_list("topic", flat=True).distinct()[:500])


def _signers(who: Actor) -> list[str]:
    """Name whose keys are trusted, people only to those who may know of them all."""
    holders = sorted(set(TrustedKeyRow.objects.values_list("holder", flat=True)))
    if root_unit() in who.where(Permission.EVIDENCE_READ):
        return holders
    return [one for one in holders if not one.startswith("person:")]
