"""Policy: rules that decide, typed and held to their examples; by closures at run time, a solver in analysis, and in plain words.

What needs the solver has a door of its own, `kybern.policy.analysis`.
"""

from kybern.policy._bundle import LANGUAGE, Bundle
from kybern.policy._decide import Decision, Failure, decide, decide_on
from kybern.policy._folder import (
    BUNDLE,
    FOLDER,
    Policy,
    read_policy,
    shipped_invariants,
    shipped_profiles,
    shipped_rules,
    shipped_schemas,
)
from kybern.policy._load import example_facts, load_bundle, read_schema
from kybern.policy._plain import condition_in_words, in_words, value_in_words
from kybern.policy._predicates import Predicate, installed_predicates
from kybern.policy._record import DecisionLog, Link, Recorded, read_decisions
from kybern.policy._replay import Replayed, replay, tally
from kybern.policy._rules import DENY_WINS, Effect, Example, InvariantSpec, Obligation, Rule, RuleSpec
from kybern.policy._schema import ACTION, CALLER, TIME, BadFacts, Facts, FactSchema, FactSpec
from kybern.policy._types import Base

__all__ = [
    "ACTION",
    "BUNDLE",
    "CALLER",
    "DENY_WINS",
    "FOLDER",
    "LANGUAGE",
    "TIME",
    "BadFacts",
    "Base",
    "Bundle",
    "Decision",
    "DecisionLog",
    "Effect",
    "Example",
    "FactSchema",
    "FactSpec",
    "Facts",
    "Failure",
    "InvariantSpec",
    "Link",
    "Obligation",
    "Policy",
    "Predicate",
    "Recorded",
    "Replayed",
    "Rule",
    "RuleSpec",
    "condition_in_words",
    "decide",
    "decide_on",
    "example_facts",
    "in_words",
    "installed_predicates",
    "load_bundle",
    "read_decisions",
    "read_policy",
    "read_schema",
    "replay",
    "shipped_invariants",
    "shipped_profiles",
    "shipped_rules",
    "shipped_schemas",
    "tally",
    "value_in_words",
]
