"""The rules over the API: what they say, and what they decide."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from kybern.policy import ACTION, CALLER, TIME, Effect, decide_on, in_words, value_in_words
from kybern.records.lifecycle import AISystem
from kybern.server.access.check import note
from kybern.server.access.middleware import actor
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs, ProblemAnswer
from kybern.server.api._fields import Ref, Text, iso
from kybern.server.live import current
from kybern.server.pages._decisions import STAGES, judged_anew, policy_of, profile_of
from kybern.server.store.visible import find_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kybern.gate import Outcome
    from kybern.policy import Bundle, Decision, FactSchema, Rule
    from kybern.server.live import Standing

router: Final = Router(tags=["rules"])
_FACTS: Final = 300
Line = Annotated[str, Field(max_length=10_000)]
Plain = bool | int | float | Line
FactName = Annotated[str, Field(max_length=120)]


class RuleOut(Schema):
    """A rule: for which actions, what follows where its condition holds, and how it reads in words."""

    id: str
    title: str
    effect: str
    applies_to: list[str]
    when: str
    words: str
    message: str
    owner: str
    rationale: str
    controls: list[str]
    requirements: list[str]
    approvers: list[str]
    since: str | None
    until: str | None


class RulesOut(Schema):
    """The rules that decide here: those of the data folder, else those that ship for the organisation's profile."""

    profile: str
    schema_ref: str
    digest: str
    order: list[str]
    """Which effect wins where several rules fire."""
    default: str
    """What follows where no rule fires."""
    items: list[RuleOut]


class Question(Schema):
    """What is asked: may this action be done, by these facts.

    With an AI system, and an action that is one of its gates, records and evidence supply their facts, and the caller states their own
    only. Without one it is a trial: all facts are the caller's.
    """

    action: Annotated[Text, Field(min_length=1)]
    system: Ref | None = None
    facts: Annotated[dict[FactName, Plain | list[Plain]], Field(max_length=_FACTS)] = {}


class FiredOut(Schema):
    """A rule that fired."""

    id: str
    title: str
    effect: str
    message: str
    deciding: bool


class ObligationOut(Schema):
    """What is to be done along with what was decided."""

    id: str
    text: str
    parameters: dict[str, Any]


class ShortfallOut(Schema):
    """A control that is due at the gate and not met."""

    control: str
    title: str
    about: str
    status: str
    owner: str
    waived: bool


class DecisionOut(Schema):
    """What was decided, with every reason. What cannot be decided is denied, and `reasons` says why."""

    effect: str
    allowed: bool
    trial: bool
    action: str
    system: str | None
    at: str
    fired: list[FiredOut]
    reasons: list[str]
    approvals: list[list[str]]
    """Of each one role has to approve."""
    obligations: list[ObligationOut]
    modifications: dict[str, Any]
    facts: dict[str, Any]
    shortfalls: list[ShortfallOut]
    schema_ref: str
    digest: str


@router.get("/rules", response=RulesOut, auth=Needs(Permission.RULES_READ), summary="The rules that decide")
def rules(request: HttpRequest, action: Text | None = None, effect: Effect | None = None) -> dict[str, Any]:
    """List the rules, those of an action or an effect if named."""
    del request
    standing = current()
    bundle = policy_of(standing).bundle
    chosen = [one for one in bundle.rules if effect in (None, one.effect) and (action is None or action in one.spec.applies_to)]
    return {
        "profile": profile_of(standing),
        "schema_ref": bundle.schema.ref,
        "digest": bundle.digest,
        "order": [one.value for one in bundle.order],
        "default": bundle.default.value,
        "items": [_rule(one, bundle.schema) for one in chosen],
    }


def _rule(one: Rule, schema: FactSchema) -> dict[str, Any]:
    spec = one.spec
    since, until = (None, None) if spec.effective is None else (spec.effective.since, spec.effective.until)
    return {
        "id": spec.id,
        "title": spec.title,
        "effect": spec.effect.value,
        "applies_to": list(spec.applies_to),
        "when": spec.when,
        "words": in_words(one, schema),
        "message": spec.message,
        "owner": spec.owner,
        "rationale": spec.rationale,
        "controls": list(spec.controls),
        "requirements": list(spec.requirements),
        "approvers": list(spec.approvers),
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
    }


@router.post("/rules:decide", response=DecisionOut, auth=Needs(Permission.RULES_ASK), summary="Ask the rules")
def decide(request: HttpRequest, body: Question) -> dict[str, Any]:
    """Decide on an action. Nothing is done and nothing is kept."""
    standing = current()
    if body.system is not None:
        return _at_gate(request, standing, body)
    bundle, now = policy_of(standing).bundle, timezone.now()
    supplied = {fact.name for fact in bundle.schema.facts if fact.provider != CALLER}
    given = {ACTION: body.action, **{name: value for name, value in body.facts.items() if name not in supplied}}
    provided = {name: value for name, value in body.facts.items() if name in supplied} | {TIME: now}
    found = decide_on(bundle, {**given, ACTION: body.action}, provided)
    return {**_decision(found, {**body.facts, TIME: now}), "trial": True, "action": body.action, "at": iso(now), "shortfalls": []}


def _at_gate(request: HttpRequest, standing: Standing, body: Question) -> dict[str, Any]:
    system = _system(request, standing, str(body.system))
    if body.action not in STAGES or body.action not in policy_of(standing).bundle.schema.actions:
        detail = f"{body.action[:60]} is no gate of an AI system: the gates are {', '.join(STAGES)}."
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-gate", detail)
    outcome: Outcome = judged_anew(standing, system, body.action, {**body.facts})
    shortfalls = [
        {
            "control": one.control.id,
            "title": one.control.title,
            "about": one.subject,
            "status": one.status.slug,
            "owner": one.owner,
            "waived": one.waived,
        }
        for one in outcome.shortfalls
    ]
    said = {"trial": False, "action": body.action, "system": system.ref, "at": iso(outcome.at), "shortfalls": shortfalls}
    return {**_decision(outcome.decision, outcome.facts), **said}


def _system(request: HttpRequest, standing: Standing, ref: str) -> AISystem:
    """Find the AI system that is asked about, where the caller may read it and ask."""
    who = actor(request)
    row, record = find_record(who, ref), standing.records.get(ref)
    if row is not None and not who.may(Permission.RULES_ASK, row.unit):
        note(who, AccessEvent.Kind.DENIED, Permission.RULES_ASK, ref)
        row = None
    if row is None or not isinstance(record, AISystem):
        raise Http404
    return record


def _decision(found: Decision, facts: Mapping[str, Any]) -> dict[str, Any]:
    bundle: Bundle = found.bundle
    deciding = set(found.deciding)
    return {
        "effect": found.effect.value,
        "allowed": found.allowed,
        "system": None,
        "fired": [
            {
                "id": one.id,
                "title": one.spec.title,
                "effect": one.effect.value,
                "message": one.spec.message,
                "deciding": one in deciding,
            }
            for one in found.in_order
        ],
        "reasons": list(found.reasons),
        "approvals": [list(roles) for roles in found.approvals],
        "obligations": [one.model_dump(mode="json") for one in found.obligations],
        "modifications": {name: _worded(bundle.schema, name, value) for name, value in found.modifications.items()},
        "facts": {name: _worded(bundle.schema, name, value) for name, value in sorted(facts.items())},
        "schema_ref": bundle.schema.ref,
        "digest": bundle.digest,
    }


def _worded(schema: FactSchema, name: str, value: object) -> object:
    """Write a fact for JSON: moments, spans and sets in words."""
    return value if isinstance(value, bool | int | float | str | list) else value_in_words(schema, name, value)
