"""The organisation of the server's tests: the example's records, a user for each role, a project of its own, and evidence signed here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kybern.catalog import PredicateType
from kybern.evidence import PREDICATES, PrivateKey, Subject, parse_predicate, sign, statement
from kybern.workspace import load_workspace

EXAMPLE = Path(__file__).parents[2] / "examples" / "meridian"
ROLES = (
    "administrator", "governance-lead", "risk-owner", "system-owner", "engineer", "executive",
    "internal-auditor", "external-auditor", "viewer",
)  # fmt: skip
EMAILS = {role: f"{role}@example.org" for role in (*ROLES, "stranger", "project-engineer")}
"""Everybody who signs in: one for each role of the whole organisation, a stranger without a grant, and an engineer of one project only."""

PROJECT_SYSTEM = "ai_system:credit-scoring"
"""The AI system that stands in the project."""

PIPELINE = PrivateKey.generate()
"""The key of the tests' pipeline: `pipeline:tests`, trusted since a year."""


def make_world() -> None:
    """Fill an empty database."""
    from kybern.server.access.models import Grant, Placement, Role, Unit, User
    from kybern.server.store.evidence import take_evidence
    from kybern.server.store.keys import trust
    from kybern.server.store.projection import place, root_unit
    from kybern.server.store.records import Write, write_records

    now = datetime.now(UTC)
    trust([PIPELINE.trusted(name="tests", holder="pipeline:tests", kind="pipeline", valid_from=now - timedelta(days=365))])
    records = load_workspace(EXAMPLE).records
    root = root_unit()
    project = Unit.objects.create(slug="lending", name="Lending", kind="project", parent_id=root)
    for role, email in EMAILS.items():
        user = User.objects.create_user(email, "a password of the tests", handle=role, name=role.replace("-", " ").capitalize())
        if role in ROLES:
            Grant.objects.create(user=user, role=Role.objects.get(slug=role), unit_id=root)
    Grant.objects.create(user=User.objects.get(handle="project-engineer"), role=Role.objects.get(slug="engineer"), unit=project)
    Placement.objects.create(ref=PROJECT_SYSTEM, unit=project)
    write_records([Write(one.ref, one.content) for one in records], "person:administrator", "The world of the tests", now)
    place()
    envelopes = [
        signed(
            PredicateType.TEST_RUN,
            [system.ref],
            suite="validation",
            passed=10,
            failed=0,
            topic="validation-test",
            age=timedelta(days=number),
        )
        for number, system in enumerate(records.systems_in_scope, 1)
    ]
    outcomes = take_evidence(envelopes, now)
    assert all(one.outcome == "accepted" for one in outcomes), outcomes


def signed(
    kind: PredicateType, refs: list[str], *, topic: str, age: timedelta = timedelta(hours=1), key: PrivateKey = PIPELINE, **body: Any
) -> bytes:
    """Sign a piece of evidence about records as they stand in the database."""
    from kybern.server.store.models import RecordRow

    digests = dict(RecordRow.objects.filter(ref__in=refs).values_list("ref", "digest"))
    observed = (datetime.now(UTC) - age).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    said = {"topic": topic, "observed_at": observed, "collector": {"name": "tests", "version": "1"}, **body}
    return sign(statement(parse_predicate(PREDICATES[kind], said), [Subject(ref, digests[ref]) for ref in refs]), key)


def token_of(role: str, scopes: list[str] | None = None) -> str:
    """Issue a token of the user who has a role."""
    from kybern.server.access.models import ApiToken, User
    from kybern.server.access.permissions import Permission

    user = User.objects.get(email=EMAILS[role])
    until = datetime.now(UTC) + timedelta(days=1)
    return ApiToken.issue(user, "tests", sorted(Permission) if scopes is None else scopes, until)[1]
