"""What a gate says, in the forms that pipelines read: SARIF, JUnit XML, Markdown, JSON, and the statement that is signed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from kybern.assessment import Reason, Shortfall, Status
from kybern.base import Place, canonical_json
from kybern.evidence import Collector, TestRun
from kybern.gate._gate import Outcome
from kybern.policy import ACTION, TIME, FactSchema, Rule, value_in_words

TOPIC: Final = "gate-decision"
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_ALWAYS: Final = frozenset((ACTION, TIME))
_FEW: Final = 5
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]#|<>~])")

PlaceOf = Callable[[str], Place | None]
"""Finds where a record stands, if it is one of the workspace's."""


def verdict(outcome: Outcome) -> str:
    """Say in a sentence what it came to."""
    word = "may go on" if outcome.allowed else "does not go on"
    return f"{outcome.stage}: {outcome.system.ref} {word} ({outcome.decision.effect.value})"


def held_by(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Go through what holds the system back, by name and in words: rules, what could not be tested, or that no rule lets it go on."""
    if outcome.allowed:
        return
    decision = outcome.decision
    yield from (("facts", fault) for fault in decision.faults)
    yield from ((one.rule.id, f"It could not be tested: {one.why}") for one in decision.failures)
    yield from ((rule.id, rule.spec.message) for rule in decision.deciding)
    if not (decision.faults or decision.failures or decision.deciding):
        yield "default", f"No rule lets it go on, and what no rule speaks of is {decision.effect.value}."


def because(outcome: Outcome, name: str) -> Iterator[str]:
    """Go through the facts that a rule's condition speaks of, as they are: which ones were counted, and what is not known."""
    rule = outcome.decision.bundle.by_id.get(name)
    schema, facts = outcome.decision.bundle.schema, outcome.facts
    for fact in () if rule is None else rule.facts:
        if fact in _ALWAYS:
            continue
        if fact not in facts:
            yield f"{fact} is not known"
            continue
        counted = outcome.counted.get(fact, ())
        which = f": {', '.join(counted[:_FEW])}{', …' if len(counted) > _FEW else ''}" if counted else ""
        yield f"{fact} is {value_in_words(schema, fact, facts[fact])}{which}"


def mending(shortfall: Shortfall) -> Iterator[tuple[str, str]]:
    """Go through the checks that a control is short of, by name, each with what is so and on what."""
    for reason in shortfall.missing:
        where = [one.ref for one in reason.children if one.status is not Status.MET and ":" in one.ref and one.ref not in reason.text]
        at = f" ({', '.join(where[:_FEW])}{', …' if len(where) > _FEW else ''})" if where else ""
        yield reason.ref, f"{reason.title}: {_said(reason)}{at}"


def _said(reason: Reason) -> str:
    return reason.text or (reason.status.label if reason.status is not None else "")


# --- JSON ------------------------------------------------------------------------------------------------------------------------


def as_json(outcome: Outcome, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Write an outcome as JSON-shaped values; `decision` is the decision in its own form."""
    schema = outcome.decision.bundle.schema
    return {
        "stage": outcome.stage,
        "system": outcome.system.ref,
        "at": outcome.at.isoformat(),
        "allowed": outcome.allowed,
        "decision": dict(decision),
        "held_by": [{"rule": name, "message": text, "because": list(because(outcome, name))} for name, text in held_by(outcome)],
        "facts": {name: _worded(schema, name, value) for name, value in sorted(outcome.facts.items())},
        "due": [{"control": tree.ref, "title": tree.title, "status": (tree.status or Status.UNKNOWN).slug} for tree in outcome.controls],
        "shortfalls": [_shortfall(one) for one in outcome.shortfalls],
        "collected": [
            {"source": item.source, "type": item.predicate.type.value, "topic": item.predicate.topic, "about": item.subjects[0].ref,
             "signed": bool(piece.signers), "id": piece.id}
            for item, piece in zip(outcome.collected.items, outcome.collected.evidence, strict=True)
        ],
        "remarks": list(outcome.collected.remarks),
    }  # fmt: skip


def _worded(schema: FactSchema, name: str, value: object) -> object:
    return value if isinstance(value, bool | int | float | str | list) else value_in_words(schema, name, value)


def _shortfall(one: Shortfall) -> dict[str, Any]:
    return {
        "control": one.control.id,
        "title": one.control.title,
        "about": one.subject,
        "status": one.status.slug,
        "owes": one.owner,
        "waived": one.waived,
        "missing": [{"check": name, "message": text} for name, text in mending(one)],
    }


# --- SARIF -----------------------------------------------------------------------------------------------------------------------


def as_sarif(outcome: Outcome, version: str, place_of: PlaceOf) -> dict[str, Any]:
    """Write what holds back as errors, and every check that is short as a warning, or a note where the system goes on all the same."""
    found = [*_sarif_rules(outcome, place_of), *_sarif_checks(outcome, place_of)]
    slugs = list(dict.fromkeys(result["ruleId"] for result in found))
    for result in found:
        result["ruleIndex"] = slugs.index(result["ruleId"])
    told = {rule.id: rule for rule in outcome.decision.bundle.rules}
    driver = {"name": "Kybern gate", "version": version, "rules": [_sarif_rule(slug, told.get(slug)) for slug in slugs]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "endTimeUtc": outcome.at.strftime("%Y-%m-%dT%H:%M:%SZ")}],
        "results": found,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(slug: str, rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"id": slug}
    return {"id": slug, "shortDescription": {"text": rule.spec.title}, "fullDescription": {"text": rule.spec.rationale}}


def _result(rule: str, level: str, text: str, place: Place | None) -> dict[str, Any]:
    result: dict[str, Any] = {"ruleId": rule, "level": level, "message": {"text": text}}
    if place is not None:
        physical: dict[str, Any] = {"artifactLocation": {"uri": quote(place.file)}}
        if place.line:
            physical["region"] = {"startLine": place.line, "startColumn": place.column}
        result["locations"] = [{"physicalLocation": physical}]
    return result


def _sarif_rules(outcome: Outcome, place_of: PlaceOf) -> Iterator[dict[str, Any]]:
    place = place_of(outcome.system.ref)
    for name, text in held_by(outcome):
        why = "; ".join(because(outcome, name))
        yield _result(name, "error", f"{verdict(outcome)}. {text}{f' ({why})' if why else ''}", place)


def _sarif_checks(outcome: Outcome, place_of: PlaceOf) -> Iterator[dict[str, Any]]:
    level = "note" if outcome.allowed else "warning"
    for one in outcome.shortfalls:
        place = place_of(one.subject) or place_of(outcome.system.ref)
        for name, text in mending(one):
            yield _result(name, "note" if one.waived else level, f"{text} Owed by {one.owner}.", place)


# --- JUnit XML -------------------------------------------------------------------------------------------------------------------


def as_junit(outcome: Outcome) -> str:
    """Write rules and controls as test cases. What falls short fails where the system is held back, else it is skipped with the reason."""
    holding = dict(held_by(outcome))
    asked = [(rule.id, rule.spec.title) for rule in outcome.asked]
    extra = [(name, "The gate") for name in holding if name not in {rule for rule, _ in asked}]
    cases = [_case("rules", f"{name}: {title}", holding.get(name), failed=True) for name, title in (*asked, *extra)]
    short = {one.control.id: one for one in outcome.shortfalls}
    for tree in outcome.controls:
        one = short.get(tree.ref)
        words = None if one is None else f"{one.status.label}; owed by {one.owner}. {' '.join(text for _, text in mending(one))}"
        held = one is not None and not outcome.allowed and not one.waived
        cases.append(_case("controls", f"{tree.ref}: {tree.title}", words, failed=held))
    failures, skipped = (sum(f"<{tag} " in case for case in cases) for tag in ("failure", "skipped"))
    head = (
        f'<testsuite name={_attribute(f"kybern gate {outcome.stage}")} tests="{len(cases)}" failures="{failures}" errors="0" '
        f'skipped="{skipped}" timestamp="{outcome.at.isoformat(timespec="seconds")}">'
    )
    return "\n".join(('<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", head, *cases, "</testsuite>", "</testsuites>", ""))


def _case(group: str, name: str, words: str | None, *, failed: bool) -> str:
    start = f"<testcase classname={_attribute(f'kybern.gate.{group}')} name={_attribute(name)}"
    if words is None:
        return f"{start}/>"
    tag = "failure" if failed else "skipped"
    return f"{start}><{tag} message={_attribute(words)}>{escape(_NOT_XML.sub('?', words))}</{tag}></testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("?", text))


# --- Markdown --------------------------------------------------------------------------------------------------------------------


def as_markdown(outcome: Outcome) -> str:
    """Write a summary for the page of a pipeline's run."""
    lines = [f"## {'✅' if outcome.allowed else '⛔'} {_plain(verdict(outcome))}", ""]
    for name, text in held_by(outcome):
        lines.append(f"- **{_plain(name)}**: {_plain(text)}")
        lines += [f"  - {_plain(why)}" for why in because(outcome, name)]
    obligations = [one.text for one in outcome.decision.obligations]
    lines += [f"- To do along with it: {_plain(text)}" for text in obligations]
    open_ones = [one for one in outcome.shortfalls if not one.waived]
    lines += ["", f"{len(outcome.controls)} controls are due, {len(open_ones)} of them open.", ""]
    if outcome.shortfalls:
        lines += ["| control | status | what is missing | owed by |", "|---|---|---|---|", *map(_row, outcome.shortfalls), ""]
    lines += [f"- {_plain(remark)}" for remark in outcome.collected.remarks]
    return "\n".join(lines) + "\n"


def _row(one: Shortfall) -> str:
    missing = "<br>".join(_plain(text) for _, text in mending(one)) or "see `kybern explain`"
    status = f"{one.status.label}{', exception in force' if one.waived else ''}"
    return f"| {one.control.id} {_plain(one.control.title)} | {status} | {missing} | {_plain(one.owner)} |"


def _plain(text: str) -> str:
    """Write text so that Markdown shows it as it is, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


# --- The statement that is signed ----------------------------------------------------------------------------------------------------


def as_evidence(outcome: Outcome, version: str) -> TestRun:
    """State what the gate came to as a test run: every rule that speaks of the stage is a test, and one that holds back has failed.

    So `failed` is 0 exactly where the system may go on. A decision in the sense of the evidence is a person's (docs/decisions/0029).
    """
    failed = len(tuple(held_by(outcome)))
    facts = sha256(canonical_json(_plain_facts(outcome))).hexdigest()
    bundle = outcome.decision.bundle
    return TestRun(
        topic=TOPIC,
        observed_at=outcome.at,
        collector=Collector(name="kybern gate", version=version),
        method=f"Rules {bundle.digest[:16]}… over the facts {bundle.schema.ref}, {len(outcome.controls)} controls due",
        note=f"{verdict(outcome)}. {'; '.join(name for name, _ in held_by(outcome))}"[:2000],
        suite=f"gate {outcome.stage}",
        passed=len({rule.id for rule in outcome.asked} - {name for name, _ in held_by(outcome)}) if outcome.asked else int(outcome.allowed),
        failed=failed,
        report_sha256=facts,
    )


def _plain_facts(outcome: Outcome) -> dict[str, Any]:
    schema = outcome.decision.bundle.schema
    return {
        "bundle": outcome.decision.bundle.digest,
        "effect": outcome.decision.effect.value,
        "facts": {name: _worded(schema, name, value) for name, value in outcome.facts.items()},
    }
