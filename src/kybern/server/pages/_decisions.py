"""The rules the server decides by, and gates judged by them on the standing."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kybern.gate import ACTOR, STAGES, Collected, GateSpec, Question, Settings, due_at, judge, read_settings
from kybern.policy import (
    BUNDLE,
    FOLDER,
    Policy,
    installed_predicates,
    load_bundle,
    read_policy,
    read_schema,
    shipped_profiles,
    shipped_rules,
    shipped_schemas,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kybern.gate import Due, Outcome, StageName
    from kybern.policy import Bundle
    from kybern.records.lifecycle import AISystem
    from kybern.server.live import Standing

CORE: Final = "core"
_SCHEMA: Final = "kybern"
_NEXT: Final[Mapping[str, StageName]] = {
    "concept": "train",
    "design": "train",
    "development": "validate",
    "validation": "deploy",
    "deployment": "deploy",
    "operation": "deploy",
    "retirement": "retire",
}
"""The gate that lies ahead of a stage; for a system in use that of its next version."""


def next_gate(stage: str) -> StageName:
    """Name the gate that lies ahead of a system at a stage."""
    return _NEXT[stage]


def profile_of(standing: Standing) -> str:
    """Name the profile of rules that fits the organisation: its own where one ships, else the core."""
    organization = standing.records.organization
    stated = None if organization is None else organization.profile
    return stated if stated in shipped_profiles() else CORE


def policy_of(standing: Standing) -> Policy:
    """Give the rules that decide here: those in the data folder, else those that ship for the organisation's profile."""
    file = settings.KYBERN_DATA / FOLDER / BUNDLE
    if not file.is_file():
        return _shipped(profile_of(standing))
    changed = max(one.stat().st_mtime_ns for one in (file, *(settings.KYBERN_DATA / FOLDER).rglob("*.yaml")))
    return _own(str(settings.KYBERN_DATA), changed)


@lru_cache(maxsize=8)
def _own(_folder: str, _changed: int) -> Policy:
    return read_policy(settings.KYBERN_DATA, installed_predicates())


@lru_cache(maxsize=16)
def _shipped(profile: str) -> Policy:
    everything = library()
    choose = {rule.id: not {CORE, profile}.isdisjoint(rule.spec.profiles) for rule in everything.rules}
    sources = list(shipped_rules().items())
    bundle = load_bundle(everything.schema, sources, predicates=installed_predicates(), choose=choose)
    return Policy(bundle, (), ())


@lru_cache(maxsize=1)
def library() -> Bundle:
    """Give every rule that ships."""
    schema = read_schema(shipped_schemas()[_SCHEMA], f"{_SCHEMA}.yaml")
    return load_bundle(schema, list(shipped_rules().items()), predicates=installed_predicates())


@lru_cache(maxsize=32)
def _due(stage: StageName, _changed: int) -> Due:
    return due_at(stage, _settings())


def _settings() -> Settings:
    root = settings.KYBERN_DATA
    return read_settings(root) if (root / FOLDER).is_dir() else Settings(GateSpec())


def _due_now(stage: StageName) -> Due:
    file = settings.KYBERN_DATA / FOLDER / "gate.yaml"
    return _due(stage, file.stat().st_mtime_ns if file.is_file() else 0)


def judged(standing: Standing, system: AISystem, stage: StageName, given: Mapping[str, Any] | None = None) -> Outcome:
    """Judge a gate by the records and the evidence of the standing. Raises `InputError` as `kybern.gate.judge` does."""
    stated = {ACTOR: "person", **(given or {})}
    bundle = policy_of(standing).bundle
    key = ("gate", stage, system.ref, bundle.digest, tuple(sorted((name, str(value)) for name, value in stated.items())))
    return standing.assessment.once(key, lambda: judged_anew(standing, system, stage, stated))


def judged_anew(standing: Standing, system: AISystem, stage: StageName, stated: Mapping[str, Any]) -> Outcome:
    """Judge a gate and keep nothing of it: what callers state is without end. Raises `InputError` as `kybern.gate.judge` does."""
    question = Question(standing.records, system, _due_now(stage), policy_of(standing).bundle, standing.as_of, stated)
    return judge(question, standing.assessment.evidence, 0, Collected())


__all__ = ["STAGES", "judged", "judged_anew", "library", "next_gate", "policy_of", "profile_of"]
