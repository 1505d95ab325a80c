"""The tools that read. Each answers one question in one small answer; what it does is its docstring, which the assistant reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from pydantic import Field

from kybern.mcp._plain import bounded, clip, clipped, fitted
from kybern.mcp._said import (
    BindingSaid,
    CheckSaid,
    DecisionSaid,
    EvidenceSaid,
    FoundSaid,
    FrameworkSaid,
    GapSaid,
    MissingSaid,
    ObligationsSaid,
    OwedSaid,
    PieceSaid,
    ReadinessSaid,
    ReasonSaid,
    RecordSaid,
    RecordsSaid,
    RequirementSaid,
    UnsettledSaid,
)

if TYPE_CHECKING:
    from kybern.client import AsyncKybern, Binding, Evidence, Gap, Missing, Readiness, Reason
    from kybern.mcp._links import Links

T = TypeVar("T")
_REASONS: Final = 8
_LEVELS: Final = 3
_CHECKS: Final = 3

Ref = Annotated[str, Field(description="A record's name, kind and id: ai_system:hiring-screener.", max_length=160)]
System = Annotated[
    str | None, Field(description="Only this AI system, such as ai_system:hiring-screener; the organisation if left out.", max_length=160)
]
Framework = Annotated[
    str | None,
    Field(
        description="Only this framework, such as ISO42001, as readiness lists them; all that are asked about if left out.", max_length=60
    ),
]
Limit = Annotated[int, Field(description="How many at most.", ge=1, le=25)]


class Reading:
    """The tools that read, over one client."""

    def __init__(self, client: AsyncKybern, links: Links) -> None:
        """Take the client, and where the pages are."""
        self._client, self._links = client, links

    async def readiness(self, subject: System = None) -> ReadinessSaid:
        """Tell how ready the organisation or one AI system is, by framework: coverage, strength and freshness of evidence, statuses."""
        as_of, about, frameworks = await self._standing(subject)
        return ReadinessSaid(link=self._links.readiness(), as_of=as_of, about=about, frameworks=frameworks)

    async def whats_missing(
        self,
        framework: Framework = None,
        owner: Annotated[str | None, Field(description="Only what this person or role owes, such as role:dpo.", max_length=160)] = None,
        subject: System = None,
        limit: Limit = 10,
    ) -> MissingSaid:
        """Tell what stands between the organisation and certification: open controls, who owes each, what closes it, what that brings."""
        as_of, _, frameworks = await self._standing(subject)
        found, more = await _first(self._client.gaps(framework, owner=owner, subject=subject, page_size=limit + 1), limit)
        return fitted(
            MissingSaid(
                link=self._links.readiness(framework, subject),
                as_of=as_of,
                frameworks=[one for one in frameworks if framework in {None, one.framework}],
                items=[self._gap(one) for one in found],
                more=more,
            )
        )

    async def requirement(
        self,
        ref: Annotated[str, Field(description="A requirement's name, such as ISO42001:6.1.2.", max_length=90)],
        subject: System = None,
    ) -> RequirementSaid:
        """Tell of one requirement what it asks, how it stands, the reasons for that, and what would close it."""
        found = await self._client.requirement(ref, subject=subject, depth=_LEVELS)
        return fitted(
            RequirementSaid(
                link=self._links.requirement(found.ref, subject),
                as_of=found.as_of,
                ref=found.ref,
                title=clip(found.title),
                statement=clip(found.statement, 1500),
                about=found.subject,
                status=None if found.score is None else found.score.status,
                coverage=None if found.score is None else round(found.score.coverage, 3),
                reasons=[_reason(one, _LEVELS - 1) for one in found.reasons.children[:_REASONS]],
                what_closes_it=[
                    OwedSaid(
                        check=one.check,
                        title=clip(one.title),
                        status=one.status,
                        why=clip(one.text),
                        owner=clip(one.owner, 160),
                        owner_ref=clipped(one.owner_ref),
                        met_by=one.by,
                    )
                    for one in found.gaps[:20]
                ],
                more=len(found.gaps) > 20,  # noqa: PLR2004 - as many as the line above gives
            ),
            "what_closes_it",
        )

    async def find_records(
        self,
        kind: Annotated[str | None, Field(description="Only of this kind, such as ai_system, risk, role.", max_length=60)] = None,
        text: Annotated[str | None, Field(description="Text that the record holds.", max_length=200)] = None,
        owner: Annotated[str | None, Field(description="Only what this person or role owns.", max_length=160)] = None,
        limit: Limit = 15,
    ) -> RecordsSaid:
        """Find records of the organisation: AI systems, risks, roles, policies, incidents and all other kinds."""
        found, more = await _first(
            self._client.records(kind, q=text, owner=owner, fields=["kind", "title", "owner", "changed_at"], page_size=limit + 1), limit
        )
        return fitted(
            RecordsSaid(
                link=self._links.records(kind, text),
                items=[
                    FoundSaid(
                        ref=one.ref,
                        kind=one.kind,
                        title=clip(one.title),
                        owner=clipped(one.owner),
                        changed_at=one.changed_at,
                        link=self._links.record(one.ref),
                    )
                    for one in found
                ],
                more=more,
            )
        )

    async def get_record(self, ref: Ref) -> RecordSaid:
        """Give one record with its content, and the digest of the version that stands."""
        found = await self._client.record(ref)
        content, cut = bounded(found.content)
        return RecordSaid(
            link=self._links.record(found.ref),
            ref=found.ref,
            title=clip(found.title),
            owner=clipped(found.owner),
            digest=found.digest,
            version=found.version,
            changed_at=found.changed_at,
            changed_by=clip(found.changed_by),
            content=content,
            cut=cut,
        )

    async def evidence_about(self, ref: Ref, limit: Limit = 10) -> EvidenceSaid:
        """List the evidence about a record, the newest first: what was observed, by whom it is signed, how it stands now."""
        found, more = await _first(self._client.evidence(subject=ref, page_size=limit + 1), limit)
        return fitted(EvidenceSaid(link=self._links.evidence(ref), items=[self._piece(one) for one in found], more=more))

    async def obligations(
        self,
        subject: System = None,
        regime: Annotated[str | None, Field(description="Only of this law or standard, by its framework's id.", max_length=200)] = None,
        limit: Limit = 15,
    ) -> ObligationsSaid:
        """List what binds the organisation and its AI systems by law, from when and why, and what may bind once open facts are settled."""
        found, more = await _first(self._client.obligations(subject, regime=regime, page_size=limit + 1), limit)
        unsettled = await self._client.unsettled(subject, regime=regime)
        return fitted(
            ObligationsSaid(
                link=self._links.obligations(subject),
                items=[self._binding(one) for one in found],
                more=more,
                unsettled=[
                    UnsettledSaid(about=one.subject, regime=one.regime, facts_needed=[clip(fact) for fact in one.facts[:10]])
                    for one in unsettled[:10]
                ],
            )
        )

    async def decide(
        self,
        action: Annotated[
            str,
            Field(
                description="What is to be done: a gate (merge, train, validate, deploy, retire), or another action that rules speak of.",
                max_length=200,
            ),
        ],
        system: System = None,
        facts: Annotated[
            dict[str, bool | int | float | str | list[str]] | None,
            Field(
                description="Facts that the caller states, such as request.actor (person, pipeline, agent). Records and evidence supply "
                "theirs where a system is named.",
                max_length=50,
            ),
        ] = None,
    ) -> DecisionSaid:
        """Ask the rules whether an action may be done, such as an AI system passing a gate. Nothing is done by asking."""
        found = await self._client.decide(action, system=system, facts=facts)
        return fitted(
            DecisionSaid(
                link=self._links.decision(system, action),
                effect=found.effect,
                allowed=found.allowed,
                trial=found.trial,
                at=found.at,
                reasons=[clip(one, 400) for one in found.reasons[:15]],
                approvals=[list(one) for one in found.approvals[:10]],
                to_do_along_with_it=[clip(one.text) for one in found.obligations[:10]],
                not_met_at_the_gate=[
                    clip(
                        f"{one.title} ({one.control}) for {one.about}: {one.status}, owed by {one.owner}{', waived' if one.waived else ''}"
                    )
                    for one in found.shortfalls[:25]
                ],
                more=len(found.shortfalls) > 25,  # noqa: PLR2004 - as many as the line above gives
            ),
            "not_met_at_the_gate",
        )

    async def _standing(self, subject: str | None) -> tuple[datetime, str, list[FrameworkSaid]]:
        if subject is None:
            whole = await self._client.assessment()
            return whole.as_of, whole.organization, self._frameworks(whole.frameworks, None)
        one = await self._client.system_assessment(subject)
        return one.as_of, one.ref, self._frameworks(one.frameworks, subject)

    def _frameworks(self, found: Sequence[Readiness], subject: str | None) -> list[FrameworkSaid]:
        return [
            FrameworkSaid(
                framework=one.framework,
                title=clip(one.title),
                coverage=round(one.coverage, 3),
                strength=None if one.strength is None else round(one.strength, 3),
                freshness=None if one.freshness is None else round(one.freshness, 3),
                requirements_by_status={name: count for name, count in one.counts.items() if count},
                open_controls=one.gaps,
                link=self._links.readiness(one.framework, subject),
            )
            for one in found
            if one.asked
        ][:20]

    def _gap(self, one: Gap) -> GapSaid:
        return GapSaid(
            control=one.control,
            title=clip(one.title),
            status=one.status,
            owner=clip(one.owner, 160),
            owner_ref=clipped(one.owner_ref),
            what_closes_it=_checks(one.missing),
            closes_requirements=list(one.closes[:10]),
            affects=one.subjects_count,
            effort=one.effort,
            planned_on=one.planned_on,
            link=self._links.control(one.control),
        )

    def _piece(self, one: Evidence) -> PieceSaid:
        body = {name: value for name, value in one.body.items() if name not in {"topic", "observed_at", "collector"}}
        return PieceSaid(
            id=one.id,
            predicate=one.predicate,
            topic=one.topic,
            about=[each.ref for each in one.subjects[:10]],
            observed_at=one.observed_at,
            expires_at=one.expires_at,
            standing=one.standing,
            strength=one.strength,
            signers=[clip(each, 160) for each in one.signers[:5]],
            says=bounded(body, 1500)[0],
            link=self._links.piece(one.id),
        )

    def _binding(self, one: Binding) -> BindingSaid:
        return BindingSaid(
            about=one.subject,
            requirement=one.requirement,
            regime=one.regime,
            statement=clip(one.statement, 400),
            since=one.since,
            until=one.until,
            in_effect=one.in_effect,
            because=[clip(each) for each in one.because[:4]],
            owner=clipped(one.owner),
            owner_ref=clipped(one.owner_ref),
            status=None if one.score is None else one.score.status,
            link=self._links.requirement(one.requirement),
        )


async def _first(found: AsyncIterator[T], limit: int) -> tuple[list[T], bool]:
    """Take the first of a list, and tell whether there are more."""
    taken: list[T] = []
    async for one in found:
        if len(taken) == limit:
            return taken, True
        taken.append(one)
    return taken, False


def _checks(missing: Sequence[Missing]) -> list[CheckSaid]:
    """Tell the first of the checks that do not hold; one that falls short for several AI systems in the same way once."""
    found = [CheckSaid(check=one.ref, title=clip(one.title, 200), status=one.status, why=clip(one.text)) for one in missing]
    return [one for at, one in enumerate(found) if one not in found[:at]][:_CHECKS]


def _reason(one: Reason, levels: int) -> ReasonSaid:
    return ReasonSaid(
        what=clip(f"{one.title} ({one.ref})", 240),
        status=one.status,
        why=clip(one.text),
        under_it=[_reason(child, levels - 1) for child in one.children[:4]] if levels else [],
    )
