"""Policy: rules that decide, typed and held to their examples; by closures at run time, a solver in analysis, and in plain words."""

from kybern.policy._bundle import LANGUAGE, Bundle
from kybern.policy._decide import Decision, Failure, decide, decide_on
from kybern.policy._load import example_facts, load_bundle, read_schema
from kybern.policy._predicates import Predicate, installed_predicates
from kybern.policy._rules import DENY_WINS, Effect, Example, Obligation, Rule, RuleSpec
from kybern.policy._schema import ACTION, CALLER, TIME, BadFacts, Facts, FactSchema, FactSpec
from kybern.policy._types import Base

__all__ = [
    "ACTION",
    "CALLER",
    "DENY_WINS",
    "LANGUAGE",
    "TIME",
    "BadFacts",
    "Base",
    "Bundle",
    "Decision",
    "Effect",
    "Example",
    "FactSchema",
    "FactSpec",
    "Facts",
    "Failure",
    "Obligation",
    "Predicate",
    "Rule",
    "RuleSpec",
    "decide",
    "decide_on",
    "example_facts",
    "installed_predicates",
    "load_bundle",
    "read_schema",
]
