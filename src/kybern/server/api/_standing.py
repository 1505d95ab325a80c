"""The standing as the API asks it: whose status somebody may see, and scores and reasons in JSON's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from ninja import Schema

from kybern.server.access.check import note, require
from kybern.server.access.middleware import actor
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import Permission
from kybern.server.api._fields import ScoreOut, score_json
from kybern.server.live import current
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kybern.assessment import Reason
    from kybern.server.live import Standing

CHILDREN = 40
"""Reasons under one that are given; of more, how many are left out."""


class ReasonOut(Schema):
    """A node of the tree of reasons: what it is about, its status if it has one, and why in one plain sentence."""

    kind: str
    ref: str
    title: str
    status: str | None
    text: str
    score: ScoreOut | None
    decides: bool
    children: list[ReasonOut]
    left_out: int
    """Children that are not given: beyond the depth that was asked for, or too many."""


def whole(request: HttpRequest) -> Standing:
    """Give the standing to who may see figures of the whole organisation."""
    require(actor(request), Permission.ASSESSMENT_READ, root_unit(), subject=request.path)
    return current()


def standing_for(request: HttpRequest, subject: str | None) -> tuple[Standing, str | None]:
    """Give the standing and the AI system asked about, None for the organisation, to who may see the status of that.

    An AI system that is not assessed, or not in a unit of the reader's, is not there for them (`Http404`).
    """
    if subject is None:
        return whole(request), None
    who = actor(request)
    unit = RecordRow.objects.filter(pk=subject).values_list("unit", flat=True).first()
    if unit is None and who.may(Permission.ASSESSMENT_READ, root_unit()):
        unit = root_unit()
    if unit is None:
        raise Http404
    if not who.may(Permission.ASSESSMENT_READ, unit):
        note(who, AccessEvent.Kind.DENIED, Permission.ASSESSMENT_READ, subject)
        raise Http404
    standing = current()
    if subject == standing.assessment.organization:
        return standing, None
    if subject not in standing.assessment.systems:
        raise Http404
    return standing, subject


def reason_json(reason: Reason, depth: int) -> dict[str, Any]:
    """Write a tree of reasons, so many levels of it."""
    given = reason.children[:CHILDREN] if depth else ()
    return {
        "kind": reason.kind,
        "ref": reason.ref,
        "title": reason.title,
        "status": None if reason.status is None else reason.status.slug,
        "text": reason.text,
        "score": score_json(reason.score),
        "decides": reason.counts,
        "children": [reason_json(child, depth - 1) for child in given],
        "left_out": len(reason.children) - len(given),
    }
