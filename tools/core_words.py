"""Words of the core that the pages show through gettext: they are data there, so no extractor finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from kybern.assessment import Status
from kybern.assessment._absence import AbsenceKind
from kybern.assessment._deadlines import DeadlineKind
from kybern.catalog import Confidence, Layer, PredicateType, Relation, Strength, load_catalog
from kybern.catalog._models import EvidenceCheck
from kybern.catalog._scales import SubjectKind
from kybern.catalog.applicability import load_rules
from kybern.evidence._keys import KeyKind, KeyStanding
from kybern.evidence._verify import Standing
from kybern.gate import STAGES
from kybern.policy._rules import Effect
from kybern.records import Record
from kybern.records.assurance import Approval
from kybern.records.lifecycle import AISystem
from kybern.records.society import ImpactAssessment
from kybern.server.forms import form_of, label_of
from kybern.server.pages._decisions import library
from kybern.server.wording import phrases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.catalog import Requirement
    from kybern.server.forms import Field

_IN_BOTH_LANGUAGES: Final = frozenset(("EU_AI_ACT", "GDPR", "ISO27001", "ISO42001", "ISO9001", "NIS2", "NIST_AI_RMF", "OECD", "UNESCO"))
"""Frameworks whose requirements are told in the reader's language. Law of English-speaking countries, and lists of attacks that are known
by their English names everywhere, keep the names they have."""

_ACRONYMS: Final = {"ai": "AI", "hr": "HR", "ml": "ML"}
_FORMS: Final = "kybern.records"
_SCALES: Final = "kybern.catalog/scales"
_CATALOG: Final = "kybern.catalog/titles"
_LAW: Final = "kybern.catalog/law"
_RULES: Final = "kybern.policy/rules"
_PHRASES: Final = "kybern.server.wording"


def core_words() -> Iterator[tuple[str, str]]:
    """Give each text with where it comes from; the same text may come more than once."""
    for kind in sorted(Record.registry):
        form = form_of(kind)
        yield from (
            (text, _FORMS) for text in (form.label, form.many, form.help.partition("\n\n")[0], *(group.title for group in form.groups))
        )
        for field in form.fields:
            yield from ((text, _FORMS) for text in _of_field(field))
    yield from ((text, _SCALES) for text in _scales())
    yield from ((text, _CATALOG) for text in _titles())
    yield from ((text, _LAW) for text in _of_the_law())
    yield from ((text, _RULES) for text in _of_the_house())
    yield from ((text, _PHRASES) for text in phrases())


def _of_field(field: Field) -> Iterator[str]:
    yield from (text for text in (field.label, field.help, field.hint) if text)
    yield from (choice.label for choice in field.choices)
    for inner in field.inner:
        yield from _of_field(inner)


def _scales() -> Iterator[str]:
    yield from (one.label for one in (*Layer, *Strength, *Status))
    slugs = (*PredicateType, *Relation, *Confidence, *KeyKind, *Effect, *AbsenceKind, *DeadlineKind, *SubjectKind)
    yield from (label_of(one.value) for one in slugs)
    yield from (label_of(one) for one in (*get_args(KeyStanding), *get_args(Standing), *STAGES))
    # Said in the middle of a line, where a label would stand in capitals.
    for model, name in ((AISystem, "risk_class"), (AISystem, "autonomy"), (Approval, "decision"), (ImpactAssessment, "decision")):
        yield from (one.replace("-", " ") for one in get_args(model.model_fields[name].annotation) if isinstance(one, str))
    yield from (one.replace("-", " ") for one in (*[each.value for each in Effect], *get_args(KeyStanding)))
    yield "no standing evidence"  # report: a mean strength of nothing
    roles = sorted({one.owner_role for one in load_catalog().controls.values()})
    yield from (" ".join(_ACRONYMS.get(word, word) for word in role.split("-")) for role in roles)
    yield from ("Models", "Data sets", "Agents", "Suppliers")  # report: what a system rests on


def _of_the_law() -> Iterator[str]:
    rules = load_rules()
    for fact in rules.schema.facts.values():
        yield label_of(fact.name)
        yield from (text for text in (fact.question, fact.help, fact.unit, *fact.values.values()) if text)
    for one, _when in rules.schema.contradictions:
        yield from (text for text in (one.says, one.hint) if text)
    for regime in rules.regimes.values():
        yield regime.title
        for one in regime.conclusions:
            yield from (text for text in (one.says, one.note, one.point) if text)


def _of_the_house() -> Iterator[str]:
    for rule in library().rules:
        spec = rule.spec
        yield from (text for text in (spec.title, spec.message, spec.rationale, spec.retry) if text)
        yield from (one.text for one in spec.obligations)
        yield from (one.title for one in spec.examples)
        yield from (one.replace("-", " ") for one in (spec.owner, *spec.approvers))
        yield from (label_of(one) for one in (*spec.applies_to, *spec.profiles))
    schema = library().schema
    yield from schema.providers.values()
    for fact in schema.by_name.values():
        yield fact.description
        yield from (label_of(one) for one in (fact.type, fact.provider, *fact.values))
    yield from schema.by_name["tool.effect"].values  # said in the middle of a line


def _titles() -> Iterator[str]:
    catalog = load_catalog()
    for control in catalog.controls.values():
        yield from (control.title, control.statement, control.why)
        yield from (check.title for check in control.checks)
        yield from (label_of(check.topic) for check in control.checks if isinstance(check, EvidenceCheck) and check.topic)
        yield from (label_of(one.field) for check in control.checks for one in (*check.require, *check.where) if "." not in one.field)
        yield from (label_of(one.field) for check in control.checks if isinstance(check, EvidenceCheck) for one in check.match)
    for ref, entry in catalog.requirements.items():
        if ref.partition(":")[0] in _IN_BOTH_LANGUAGES:
            yield from _of_requirement(entry)
    yield from (framework.title for framework in catalog.frameworks.values())


def _of_requirement(entry: Requirement) -> Iterator[str]:
    """Give what the pages show of a requirement: its words, and whom it binds, said in the middle of a line."""
    yield from (entry.title, entry.statement)
    yield from (text for text in (entry.documented_information, entry.penalty, entry.note, entry.no_control) if text)
    yield from (one.replace("-", " ") for one in entry.bound)
