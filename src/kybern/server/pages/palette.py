"""What the command palette finds: records, requirements, controls and evidence that the reader may see."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from django.db.models import Case, IntegerField, Q, Value, When
from django.http import JsonResponse
from django.urls import path
from django.utils.translation import gettext as _

from kybern.report._words import short_name
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.forms import label_of
from kybern.server.pages._sight import catalog
from kybern.server.pages.door import SIGNED_IN, page
from kybern.server.store.visible import visible_evidence, visible_records
from kybern.server.wording import label, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from kybern.server.access.actor import Actor

_MOST: Final = 24
_OF_A_SORT: Final = 8
_LONGEST: Final = 200
_DIGEST_SHOWN: Final = 8
"""As many digits of a digest find evidence by it."""
_ICONS: Final = {"ai_system": "bot", "risk": "triangle-alert", "person": "user", "supplier": "truck", "incident": "siren"}


@page(SIGNED_IN)
def palette(request: HttpRequest) -> HttpResponse:
    """Give what fits `q`, each `{label, hint, href, icon}`; without words, what was changed last."""
    who = actor(request)
    words = request.GET.get("q", "").replace("\0", "").strip().lower()[:_LONGEST].split()[:6]
    found = chain(_records(who, words), _requirements(who, words), _controls(who, words), _evidence(who, words))
    return JsonResponse(list(islice(found, _MOST)), safe=False)


def _hit(label: str, hint: str, href: str, icon: str) -> dict[str, str]:
    return {"label": label, "hint": hint, "href": href, "icon": icon}


def _records(who: Actor, words: list[str]) -> Iterator[dict[str, str]]:
    if not who.may(Permission.RECORDS_READ):
        return
    rows = visible_records(who)
    for word in words:
        rows = rows.filter(text__contains=word)
    text = " ".join(words)
    nearest = Case(
        When(Q(ref=text) | Q(title__iexact=text), then=Value(0)),
        When(title__istartswith=text, then=Value(1)),
        When(title__icontains=text, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    rows = rows.order_by(nearest, "title", "ref") if words else rows.order_by("-changed_at", "ref")
    for ref, kind, title in rows.values_list("ref", "kind", "title")[: _OF_A_SORT if words else 5]:
        identity = ref.partition(":")[2]
        href = f"/systems/{identity}" if kind == "ai_system" else f"/records/{kind}/{identity}"
        yield _hit(title, _(label_of(kind)), href, _ICONS.get(kind, "file"))


def _requirements(who: Actor, words: list[str]) -> Iterator[dict[str, str]]:
    if not words or not who.may(Permission.ASSESSMENT_READ):
        return
    there = catalog()
    framework = {ref: there.frameworks[ref.partition(":")[0]].title for ref in there.requirements}
    fitting = (
        (ref, one) for ref, one in there.requirements.items() if _fits(words, f"{ref} {framework[ref]} {one.title} {say(one.title)}")
    )
    for ref, one in sorted(fitting, key=lambda found: _named_by(words, found[0], found[1].id))[:_OF_A_SORT]:
        yield _hit(f"{one.id} {say(one.title)}", short_name(ref.partition(":")[0]), f"/requirements/{ref}", "list-checks")


def _controls(who: Actor, words: list[str]) -> Iterator[dict[str, str]]:
    if not words or not who.may(Permission.ASSESSMENT_READ):
        return
    fitting = ((name, one) for name, one in catalog().controls.items() if _fits(words, f"{name} {one.title} {say(one.title)}"))
    for name, one in sorted(fitting, key=lambda found: _named_by(words, found[0]))[:_OF_A_SORT]:
        yield _hit(f"{name} {say(one.title)}", _("Control"), f"/controls/{name}", "layers")


def _evidence(who: Actor, words: list[str]) -> Iterator[dict[str, str]]:
    """Find evidence by the beginning of its digest: its words are found on the page of evidence."""
    digest = words[0] if len(words) == 1 else ""
    if len(digest) < _DIGEST_SHOWN or not set(digest) <= set("0123456789abcdef") or not who.may(Permission.EVIDENCE_READ):
        return
    for identity, topic in visible_evidence(who).filter(id__startswith=digest).order_by("id").values_list("id", "topic")[:_OF_A_SORT]:
        yield _hit(label(topic), identity[:16], f"/evidence/{identity}", "file-check")


def _named_by(words: list[str], *names: str) -> int:
    """Tell how near one of the names comes to what was typed: 0 is it, 1 begins with it, 2 has it elsewhere."""
    text = " ".join(words)
    lowered = [name.lower() for name in names]
    return 0 if text in lowered else 1 if any(name.startswith(text) for name in lowered) else 2


def _fits(words: list[str], text: str) -> bool:
    lowered = text.lower()
    return all(word in lowered for word in words)


ROUTES: Final = (path("palette", palette, name="palette"),)
