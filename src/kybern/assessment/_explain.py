"""Reasons: the tree under a status, down to single pieces of evidence and records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

from kybern.assessment._assessment import Assessment, Score
from kybern.assessment._conditions import NO_BOUNDS, Verdict, judge_all, look_up
from kybern.assessment._judge import FAILS, LAPSED, STANDS, Judged, decide
from kybern.assessment._plan import AI_SYSTEM, ORGANIZATION, system_kinds, target_kind
from kybern.assessment._status import Status
from kybern.assessment._table import Pieces, microseconds
from kybern.assessment._words import asked, day, describe, phrase, states, until, value, wanted
from kybern.catalog import Check, Control, EvidenceCheck, PredicateType, RecordCheck, Relation, Satisfies
from kybern.evidence import Evidence
from kybern.records import Record
from kybern.records.risk import SoaEntry

ReasonKind = Literal["requirement", "control", "subject", "check", "target", "evidence", "record", "note"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A node of the tree: what it is about (`ref`), its status if it has one, and why in one plain sentence.

    `ref` names a requirement, a control, a check (`GOV-01/policy-approved`), a record (`kind:id`) or a piece of evidence (its id).
    """

    kind: ReasonKind
    ref: str
    title: str
    status: Status | None
    text: str = ""
    score: Score | None = None
    evidence: Evidence | None = None
    counts: bool = True
    """False for what is shown and does not bear on the status above it."""
    children: tuple[Reason, ...] = field(default=())

    def walk(self) -> Iterator[Reason]:
        """Go through the tree, this node first."""
        yield self
        for child in self.children:
            yield from child.walk()


def explain(assessment: Assessment, ref: str, subject: str | None = None, *, most: int | None = None) -> Reason:
    """Give the reasons under a requirement (`ISO42001:A.7.4`) or a control (`GOV-01`) on a subject, the organisation if none is named.

    Under the organisation stands every AI system; with `most` only so many, those that stand worst, and a note that counts the rest.

    Raises `KeyError` for a name the catalog does not have, a subject that is not assessed, or a requirement that does not bear on it.
    """
    explainer = _Explainer(assessment, most)
    subject = subject or assessment.organization
    if ref in assessment.catalog.controls:
        return explainer.control(assessment.catalog.controls[ref], subject)
    return explainer.requirement(ref, subject)


def checks_of(assessment: Assessment, control: Control, subject: str | None) -> tuple[Reason, ...]:
    """Give the reasons under a control on one subject by itself, without those under its checks: of these there may be ten thousands."""
    explainer = _Explainer(assessment, 0)
    explainer.brief = True
    return explainer.subjects(control, subject or assessment.organization)


class _Explainer:
    def __init__(self, assessment: Assessment, most: int | None) -> None:
        self.assessment, self.board, self.plan, self.most = assessment, assessment.board, assessment.plan, most
        self.brief = False

    # --- requirements ----------------------------------------------------------------------------------------------------------

    def requirement(self, ref: str, subject: str) -> Reason:
        entry, score = self.assessment.catalog.requirements[ref], self.assessment.requirement(ref, subject)
        if score is None:
            msg = f"{ref} does not bear on {subject}"
            raise KeyError(msg)
        parts = [child for child in self.assessment.catalog.children(ref) if self.assessment.catalog.requirements[child].normative]
        if parts:
            children = [self.requirement(part, subject) for part in parts if self.assessment.requirement(part, subject) is not None]
        else:
            children = [*self._exclusions(ref, subject), *self._controls_of(ref, subject)]
        text = entry.statement if entry.normative else f"{entry.statement} It asks nothing by itself."
        return Reason("requirement", ref, entry.title, score.status, text, score, children=tuple(children))

    def _controls_of(self, ref: str, subject: str) -> Iterator[Reason]:
        pairs = self.assessment.catalog.controls_for(ref)
        if not pairs:
            why = self.assessment.catalog.requirements[ref].no_control
            said = f": {why}" if why else ", so nothing can show that it is met."
            yield Reason("note", ref, "No control", None, f"No control of the library answers this requirement{said}")
        for control, mapping in pairs:
            if subject == self.assessment.organization or system_kinds(control):
                yield self.control(control, subject, mapping)

    def _exclusions(self, ref: str, subject: str) -> Iterator[Reason]:
        for entry in self.plan.records.of_kind("soa_entry"):
            content = entry.content
            if content["requirement"] != ref or content["necessary"]:
                continue
            named = content.get("systems", [])
            if named and subject not in named:
                continue
            counts = self.board.left_out(cast("SoaEntry", entry))
            if self.board.is_clause(ref):
                said = "a clause cannot be left out, so the exclusion is contested"
            elif counts:
                said = "its approval is signed"
            else:
                said = "no signed approval of exactly this entry, so the exclusion is contested"
            status = Status.NOT_APPLICABLE if counts else Status.UNKNOWN
            yield Reason("record", entry.ref, entry.title, status, f"Excluded: {content['justification']} ({said})")

    # --- controls --------------------------------------------------------------------------------------------------------------

    def control(self, control: Control, subject: str, mapping: Satisfies | None = None) -> Reason:
        score = self.assessment.control(control.id, subject)
        if score is None:
            msg = f"{control.id} does not bear on {subject}"
            raise KeyError(msg)
        counts = mapping is None or mapping.relation is not Relation.INTERSECTS
        text = (
            control.statement
            if counts
            else f"{control.statement} It only touches the requirement: its evidence may serve and does not count."
        )
        children = [*self._waivers(control, subject), *self._subjects(control, subject)]
        return Reason("control", control.id, control.title, score.status, text, score, counts=counts, children=tuple(children))

    def _waivers(self, control: Control, subject: str) -> Iterator[Reason]:
        valid = {waiver.ref for waiver in self.board.valid_waivers}
        for waiver in self.plan.records.of_kind("exception"):
            content = waiver.content
            if control.id in content["controls"] and (not content.get("systems") or subject in content["systems"]):
                until = content["expires_on"]
                force = (
                    f"in force until {until}"
                    if waiver.ref in valid
                    else f"not in force (until {until}; needs its signed approval and its time)"
                )
                yield Reason("record", waiver.ref, waiver.title, None, f"Waiver {force}: {content['reason']}", counts=waiver.ref in valid)

    def subjects(self, control: Control, subject: str) -> tuple[Reason, ...]:
        """Give the reasons under a control, none of which is kept."""
        return tuple(self._make_subjects(control, subject))

    def _subjects(self, control: Control, subject: str) -> tuple[Reason, ...]:
        """Give the reasons under a control: they are the same under each requirement it answers, so they are made once."""
        most = self.most if subject == self.assessment.organization else None
        return self.assessment.once((control.id, subject, most), lambda: tuple(self._make_subjects(control, subject)))

    def _make_subjects(self, control: Control, subject: str) -> Iterator[Reason]:
        if subject == self.assessment.organization:
            if ORGANIZATION in control.applies_to:
                yield from self._own(control)
            if system_kinds(control):
                yield from self._systems(control)
            return
        if not self.plan.applies(control)[1][self.plan.system_index[subject]]:
            yield Reason("note", control.id, "Does not apply", Status.NOT_APPLICABLE, self._refuted(control, subject))
            return
        cells = list(self._cells(control, subject))
        if not cells:
            kinds = " or ".join(kind.replace("_", " ") for kind in system_kinds(control))
            status = Status.NOT_APPLICABLE if control.absent == "not_applicable" else Status.UNKNOWN
            yield Reason("note", control.id, "No subject", status, f"No {kinds} belongs to {subject}.")
        yield from cells

    def _own(self, control: Control) -> Iterator[Reason]:
        if self.plan.applies(control)[0]:
            yield from self._checks(control, ORGANIZATION, 0)
        else:
            yield Reason("note", control.id, "Does not apply", Status.NOT_APPLICABLE, self._refuted(control, self.assessment.organization))

    def _systems(self, control: Control) -> Iterator[Reason]:
        if not self.assessment.systems:
            yield Reason("note", control.id, "No AI system", Status.UNKNOWN, "No AI system is in scope, so there is nothing to look at.")
        shown, rest = self._worst(control)
        if rest:
            said = (
                f"{len(shown)} of {len(self.assessment.systems)} AI systems are shown, those that stand worst."
                if shown
                else "Not shown here."
            )
            yield Reason("note", control.id, f"{rest} more AI systems", None, said, counts=False)
        for system in shown:
            score = self.assessment.control(control.id, system)
            if score is not None:
                children = self._subjects(control, system)
                yield Reason(
                    "subject",
                    system,
                    self._title(system),
                    score.status,
                    f"{score.coverage:.0%} of its checks are met",
                    score,
                    children=children,
                )

    def _worst(self, control: Control) -> tuple[tuple[str, ...], int]:
        """Choose the AI systems to show, and count the rest: those that are not met first, then those with the least coverage."""
        systems, cells = self.assessment.systems, self.board.rows.get(control.id)
        if self.most is None or cells is None or len(systems) <= self.most:
            return systems, 0
        done = np.isin(cells.status, (Status.MET, Status.NOT_APPLICABLE))
        order = np.lexsort((np.arange(len(systems)), cells.coverage, cells.status, done))[: self.most]
        return tuple(systems[at] for at in order.tolist()), len(systems) - self.most

    def _cells(self, control: Control, system: str) -> Iterator[Reason]:
        for kind in system_kinds(control):
            links = self.plan.subject_links(kind).of_owners(np.array([self.plan.system_index[system]]))
            for place in links.member.tolist():
                ref, cell = self.plan.pool(kind)[place], self.board.controls[control.id, kind]
                if kind == AI_SYSTEM:
                    yield from self._checks(control, kind, place)
                else:
                    score = Score.of(cell, place)
                    children = self._checks(control, kind, place)
                    yield Reason(
                        "subject",
                        ref,
                        self._title(ref),
                        score.status,
                        f"{score.coverage:.0%} of its checks are met",
                        score,
                        children=children,
                    )

    def _refuted(self, control: Control, subject: str) -> str:
        record = self.plan.records.get(subject)
        facts = record.content if record else {}
        wrong = [one for one in control.applies_when if judge_all((one,), self.plan.as_of)(facts, NO_BOUNDS) is Verdict.FAIL]
        return (
            "; ".join(f"{phrase(one)} is asked, and {subject} states {value(look_up(facts, one.field.split('.')))}" for one in wrong) + "."
        )

    # --- checks ----------------------------------------------------------------------------------------------------------------

    def _checks(self, control: Control, kind: str, place: int) -> tuple[Reason, ...]:
        """Give the reasons of a control's checks on one subject, by its place in the pool of its kind."""
        if self.brief:
            return tuple(self._checks_alone(control, kind, place))
        return self.assessment.once((control.id, kind, place), lambda: tuple(self._make_checks(control, kind, place)))

    def _checks_alone(self, control: Control, kind: str, place: int) -> Iterator[Reason]:
        """Give the reasons of a control's checks on one subject with the sentence they have, and no children: counted in columns."""
        for check in control.checks:
            score = Score.of(self.board.checks[control.id, check.id, kind], place)
            members = self.plan.check_links(check, kind).of_owners(np.array([place])).member
            target = target_kind(check, kind)
            if len(members) > 1:
                met = int((self.board.targets[control.id, check.id, target].status[members] == Status.MET).sum())
                text = _counted(check, met, len(members))
            else:
                records = self.plan.records.of_kind(target)
                text = _summary(check, tuple(self._target(control, check, records[at]) for at in members.tolist()))
            yield Reason("check", f"{control.id}/{check.id}", check.title, score.status, text, score)

    def _make_checks(self, control: Control, kind: str, place: int) -> Iterator[Reason]:
        ref = self.plan.pool(kind)[place]
        for check in control.checks:
            score = Score.of(self.board.checks[control.id, check.id, kind], place)
            links = self.plan.check_links(check, kind).of_owners(np.array([place]))
            records = self.plan.records.of_kind(target_kind(check, kind))
            targets = [records[at] for at in links.member.tolist()]
            children = tuple(self._target(control, check, target) for target in targets)
            text = _summary(check, children)
            if len(targets) == 1 and targets[0].ref == ref and children[0].kind == "target":
                children = children[0].children
            yield Reason("check", f"{control.id}/{check.id}", check.title, score.status, text, score, children=children)

    def _target(self, control: Control, check: Check, record: Record) -> Reason:
        def make() -> Reason:
            return self._evidence_on(check, record) if isinstance(check, EvidenceCheck) else self._record(check, record)

        return self.assessment.once((control.id, check.id, record.ref), make)

    def _record(self, check: RecordCheck, record: Record) -> Reason:
        said = [(one, judge_all((one,), self.plan.as_of)(record.content, NO_BOUNDS)) for one in check.require]
        worst = max((verdict for _, verdict in said), default=Verdict.PASS)
        status = {Verdict.PASS: Status.MET, Verdict.SILENT: Status.UNKNOWN, Verdict.LAPSED: Status.EXPIRED, Verdict.FAIL: Status.NOT_MET}[
            worst
        ]
        wrong = [states(record, one) for one, verdict in said if verdict is not Verdict.PASS]
        return Reason("record", record.ref, record.title, status, "; ".join(wrong) or "States what is asked.")

    def _evidence_on(self, check: EvidenceCheck, record: Record) -> Reason:
        pieces, judged = self.board.judged_about(check, record)
        if not pieces.items:
            return Reason("target", record.ref, record.title, Status.UNKNOWN, f"No evidence that counts. Wanted: {wanted(check)}.")
        targets, deciding = decide(pieces, judged, self.plan.as_of, 1)
        decides = int(deciding[0])
        order = sorted(range(len(pieces.items)), key=lambda at: (at != decides, -int(pieces.observed[at]), pieces.items[at].id))
        children = tuple(self._piece(check, record, pieces, judged, at, decides=at == decides) for at in order)
        status = Status(int(targets.status[0]))
        text = children[0].text if children and children[0].counts else f"No evidence that counts. Wanted: {wanted(check)}."
        return Reason("target", record.ref, record.title, status, text, children=children)

    def _piece(  # noqa: PLR0913  (the parallel columns and the place in them)
        self, check: EvidenceCheck, record: Record, pieces: Pieces, judged: Judged, at: int, *, decides: bool
    ) -> Reason:
        item, standing = pieces.items[at], int(judged.standing[at])
        if standing == STANDS:
            said = f"stands {until(int(judged.until[at]))}"
        elif standing == LAPSED:
            said = self._lapse(check, record, pieces, judged, at)
        elif standing == FAILS:
            said = self._broken(check, record, item)
        else:
            said = self._silence(check, record, pieces, at)
        status = {STANDS: Status.MET, LAPSED: Status.EXPIRED, FAILS: Status.NOT_MET}.get(standing)
        return Reason("evidence", item.id, item.topic, status, f"{describe(item)}; {said}", evidence=item, counts=decides)

    def _lapse(self, check: EvidenceCheck, record: Record, pieces: Pieces, judged: Judged, at: int) -> str:
        if check.pinned and pieces.digests[at] != record.digest:
            return f"it names an earlier version of {record.ref}, which has changed since"
        return f"it lapsed on {day(int(judged.until[at]))}"

    def _broken(self, check: EvidenceCheck, record: Record, item: Evidence) -> str:
        bounds = (getattr(record, "minimum", None), getattr(record, "maximum", None))
        wrong = [one for one in check.require if judge_all((one,), self.plan.as_of)(item.body, bounds) in (Verdict.FAIL, Verdict.LAPSED)]
        said = [f"{one.field} is {value(look_up(item.body, one.field.split('.')))}, {asked(one, bounds)}" for one in wrong]
        return "fails: " + "; ".join(said)

    def _silence(self, check: EvidenceCheck, record: Record, pieces: Pieces, at: int) -> str:
        item = pieces.items[at]
        bounds = (getattr(record, "minimum", None), getattr(record, "maximum", None))
        if int(pieces.observed[at]) > microseconds(self.plan.as_of):
            return "it is observed after the moment asked about"
        if check.match and judge_all(check.match, self.plan.as_of)(item.body, bounds) is not Verdict.PASS:
            return "it is about something else: " + ", ".join(f"{phrase(one)}" for one in check.match) + " is looked for"
        missing = [one.field for one in check.require if judge_all((one,), self.plan.as_of)(item.body, bounds) is Verdict.SILENT]
        if missing:
            return f"it does not say enough about {', '.join(missing)}"
        if item.strength < check.min_strength:
            return f"it is {item.strength.label}, and {check.min_strength.label} is asked"
        approver = getattr(record, "approved_by", None)
        if item.predicate is PredicateType.APPROVAL and approver not in (None, item.body.get("by")):
            return f"{record.ref} names {approver} to approve it"
        return "a later piece fails"

    def _title(self, ref: str) -> str:
        record = self.plan.records.get(ref)
        return record.title if record else ref


def _summary(check: Check, children: tuple[Reason, ...]) -> str:
    """Say in a sentence what a check found."""
    if not children:
        if isinstance(check, EvidenceCheck):
            missing = f"No {(check.on or 'subject').replace('_', ' ')} to look at. " if check.on else ""
            return f"{missing}Wanted: {wanted(check)}."
        stands_aside = " Nothing to check." if check.minimum == 0 else ""
        return f"No {check.kind.replace('_', ' ')} is recorded{' that fits' if check.where else ''}.{stands_aside}"
    few = isinstance(check, RecordCheck) and len(children) < check.minimum
    if len(children) == 1 and not few:
        return children[0].text
    return _counted(check, sum(child.status is Status.MET for child in children), len(children))


def _counted(check: Check, met: int, total: int) -> str:
    few = isinstance(check, RecordCheck) and total < check.minimum
    asked_for = f"; at least {check.minimum} are asked" if few and isinstance(check, RecordCheck) else ""
    return f"{met} of {total} hold{asked_for}."
