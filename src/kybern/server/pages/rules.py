"""The rules: those that decide here and those that ship, a page for each, and asking a rule a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from kybern.base import InputError
from kybern.catalog import PredicateType
from kybern.gate import TOPIC
from kybern.policy import Effect
from kybern.records.lifecycle import AISystem
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages import _rule_asked as asking
from kybern.server.pages import _rules as told
from kybern.server.pages._asked import asked, titles
from kybern.server.pages._decisions import judged, library
from kybern.server.pages._keyset import page_of
from kybern.server.pages._sight import titles_of
from kybern.server.pages.door import page, render
from kybern.server.store.evidence import read_pieces
from kybern.server.store.visible import find_record, visible_evidence, visible_records
from kybern.server.wording import say, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from kybern.policy import Bundle, Rule
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.pages._rule_asked import Answer

_TAKEN: Final = 15
_SYSTEMS: Final = 500
_DECIDES: Final = ("yes", "no")
_SELDOM: Final = ("default", "facts")
"""What a gate names where no rule held it back; the list explains both."""


@dataclass(frozen=True)
class RuleRow:
    """A rule in the list."""

    rule: Rule
    words: str
    decides: bool
    file: str


@page(Permission.RULES_READ)
def rules(request: HttpRequest) -> HttpResponse:
    """List the rules that the address asks for."""
    ruling = told.ruling_of(current())
    beside = library()
    everything = [
        *(_row(one, ruling.bundle, ruling, decides=not ruling.problems) for one in ruling.bundle.rules),
        *(_row(one, beside, ruling, decides=False) for one in ruling.beside),
    ]
    rows = [one for one in everything if _fits(one, request)]
    return render(
        request,
        "rules.html.j2",
        ruling=ruling,
        rows=rows,
        selects=_selects(everything),
        tones=told.TONES,
        decide_count=sum(one.decides for one in everything),
        ship_count=len(beside.rules),
    )


def _row(rule: Rule, bundle: Bundle, ruling: told.Ruling, *, decides: bool) -> RuleRow:
    source = ruling.files.get(rule.id)
    return RuleRow(rule, told.plainly(rule, bundle), decides, "" if source is None else source.file)


def _fits(row: RuleRow, request: HttpRequest) -> bool:
    said = {name: asked(request, name) for name in ("action", "effect", "decides", "profile", "control", "q")}
    spec = row.rule.spec
    text = f"{spec.id} {spec.title} {say(spec.title)} {row.words} {spec.rationale} {' '.join(spec.controls)}".lower()
    return (
        (not said["action"] or said["action"] in spec.applies_to)
        and (said["effect"] not in set(Effect) or said["effect"] == spec.effect.value)
        and (said["decides"] not in _DECIDES or row.decides == (said["decides"] == "yes"))
        and (not said["profile"] or said["profile"] in spec.profiles)
        and (not said["control"] or said["control"] in spec.controls)
        and all(word in text for word in said["q"].lower().split())
    )


def _selects(rows: Sequence[RuleRow]) -> list[dict[str, Any]]:
    actions = dict.fromkeys(action for row in rows for action in row.rule.spec.applies_to)
    profiles = sorted({profile for row in rows for profile in row.rule.spec.profiles})
    controls = sorted({control for row in rows for control in row.rule.spec.controls})
    return [
        {"name": "decides", "label": _("Decides here"), "options": [("yes", _("yes")), ("no", _("no, it ships"))]},
        {"name": "action", "label": _("For"), "options": [(one, words(one)) for one in actions]},
        {"name": "effect", "label": _("What follows"), "options": [(one.value, words(one.value)) for one in Effect]},
        {"name": "profile", "label": _("Profile"), "options": [(one, words(one)) for one in profiles]},
        {"name": "control", "label": _("Control"), "options": [(one, one) for one in controls]},
    ]


# --- one rule --------------------------------------------------------------------------------------------------------------------------


@page(Permission.RULES_READ, methods=("GET", "POST"))
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """Show a rule; take a question to it."""
    if name in _SELDOM:
        return HttpResponseRedirect(f"/rules#{name}")
    if request.method == "POST":
        require(actor(request), Permission.RULES_ASK, subject=request.path)
    standing = current()
    ruling = told.ruling_of(standing)
    one, bundle = _found(ruling, name)
    if request.method == "POST":
        if request.POST.get("act") == "system":
            return _ask_of_system(request, standing, ruling, one)
        said = asking.read_said(request.POST)
        form = asking.form_of_rule(one, bundle, said, request.POST.get("action", ""))
        return _shown(request, standing, ruling, one, bundle, form=form, answer=asking.asked_of(one, bundle, form))
    return _shown(request, standing, ruling, one, bundle, form=asking.form_of_rule(one, bundle, {}, asked(request, "action")))


def _found(ruling: told.Ruling, name: str) -> tuple[Rule, Bundle]:
    found = ruling.rule(name)
    if found is None:
        raise Http404
    return found


def _ask_of_system(request: HttpRequest, standing: Standing, ruling: told.Ruling, one: Rule) -> HttpResponse:
    """Ask about an AI system as it stands; keep what came out only where that is asked for."""
    who, stage = actor(request), request.POST.get("stage", "")
    row = find_record(who, request.POST.get("system", "")[:160])
    system = None if row is None else standing.records.get(row.ref)
    if row is None or not isinstance(system, AISystem) or stage not in asking.gates_of(one):
        raise Http404
    for permission in (Permission.RULES_ASK, Permission.ASSESSMENT_READ):
        require(who, permission, row.unit, subject=row.ref)
    bundle = _found(ruling, one.id)[1]
    form = asking.form_of_rule(one, bundle, {})
    if one.id not in ruling.bundle.by_id or ruling.problems:
        messages.warning(request, _("This rule does not decide here, so no system is held against it. Ask it with facts of your own."))
        return HttpResponseRedirect(f"/rules/{one.id}#ask")
    try:
        outcome = judged(standing, system, stage)  # type: ignore[arg-type]  # a stage, it is one of `gates_of`
    except InputError as error:
        messages.error(request, error.problems[0].message)
        return HttpResponseRedirect(f"/rules/{one.id}#ask")
    kept = None
    if request.POST.get("keep") == "yes":
        require(who, Permission.EVIDENCE_WRITE, row.unit, subject=row.ref)
        kept = asking.keep(who, row, outcome, timezone.now)
    answer = asking.known_of(outcome, one)
    about = {"row": row, "stage": stage, "kept": kept, "counted": outcome.counted}
    return _shown(request, standing, ruling, one, bundle, form=form, answer=answer, about=about)


def _shown(  # noqa: PLR0913  (what a page of a rule is made of)
    request: HttpRequest,
    standing: Standing,
    ruling: told.Ruling,
    one: Rule,
    bundle: Bundle,
    *,
    form: asking.AskForm,
    answer: Answer | None = None,
    about: dict[str, Any] | None = None,
) -> HttpResponse:
    who = actor(request)
    source, spec = ruling.files.get(one.id), one.spec
    gates = asking.gates_of(one)
    decides = one.id in ruling.bundle.by_id and not ruling.problems
    may_ask = who.may(Permission.RULES_ASK)
    owner = f"role:{spec.owner}"
    return render(
        request,
        "rule.html.j2",
        rule=one,
        spec=spec,
        words=told.plainly(one, bundle),
        decides=decides,
        ruling=ruling,
        source=source,
        examples=told.tried(one, bundle, source),
        facts_seen=told.looked_at(one, bundle),
        owner=(owner, titles_of(who, [owner]).get(owner)),
        controls=[standing.catalog.controls[name] for name in spec.controls if name in standing.catalog.controls],
        requirements=[standing.catalog.requirements[ref] for ref in spec.requirements if ref in standing.catalog.requirements],
        requirement_refs=[ref for ref in spec.requirements if ref in standing.catalog.requirements],
        taken=_taken(who, one, gates, request) if gates and who.may(Permission.EVIDENCE_READ) else None,
        tones=told.TONES,
        may_ask=may_ask,
        form=form,
        gates=gates if decides else (),
        systems=_systems(who) if may_ask and decides and gates else [],
        may_keep=who.may(Permission.EVIDENCE_WRITE),
        answer=answer,
        about=about,
    )


def _systems(who: Actor) -> list[tuple[str, str]]:
    rows = visible_records(who).filter(kind="ai_system", unit__in=who.where(Permission.ASSESSMENT_READ)).order_by("title", "ref")
    return list(rows.values_list("ref", "title")[:_SYSTEMS])


@dataclass(frozen=True)
class TakenRow:
    """A decision that was taken at a gate that the rule speaks of."""

    id: str
    stage: str
    allowed: bool
    held: bool
    """Whether this rule was among those that held it back."""
    at: datetime
    about: tuple[tuple[str, str | None], ...]
    signers: tuple[str, ...]


@dataclass(frozen=True)
class TakenPage:
    """Decisions, the latest first."""

    rows: tuple[TakenRow, ...]
    previous: str | None
    next: str | None


def _taken(who: Actor, one: Rule, gates: Sequence[str], request: HttpRequest) -> TakenPage:
    """Find the signed outcomes of the gates that a rule speaks of; those it held back name it."""
    rows = visible_evidence(who).filter(
        predicate=PredicateType.TEST_RUN.value, topic=TOPIC, body__suite__in=[f"gate {stage}" for stage in gates]
    )
    found = page_of(rows, ("-observed_at", "id"), request.GET, _TAKEN)
    pieces = read_pieces(found.rows)
    named = titles(who, (subject.ref for piece in pieces for subject in piece.subjects))
    told_rows = tuple(
        TakenRow(
            piece.id,
            str(piece.body.get("suite", "")).removeprefix("gate "),
            piece.body.get("failed") == 0,
            one.id in str(piece.body.get("note", "")).rpartition(". ")[2].split("; "),
            piece.observed_at,
            tuple((subject.ref, named.get(subject.ref)) for subject in piece.subjects),
            piece.signers,
        )
        for piece in pieces
    )
    return TakenPage(told_rows, found.previous, found.next)


@page(Permission.RULES_READ)
def analysis(request: HttpRequest, name: str) -> HttpResponse:
    """Tell what analysis finds of a rule: what its page asks for once it is there."""
    ruling = told.ruling_of(current())
    one, bundle = _found(ruling, name)
    return render(request, "rule_analysis.html.j2", rule=one, found=told.analysed(one, bundle), count=len(bundle.rules), tones=told.TONES)


ROUTES: Final = (
    path("rules", rules, name="rules"),
    path("rules/<str:name>", rule, name="rule"),
    path("rules/<str:name>/analysis", analysis, name="rule-analysis"),
)
