"""When law applies, as data: facts that can be asked, conclusions that rest on them, and the engine that draws them."""

from kybern.catalog.applicability._check import check_catalog
from kybern.catalog.applicability._duties import Duty, duties
from kybern.catalog.applicability._engine import Answer, Classification, Reason, classify, truths
from kybern.catalog.applicability._formula import FactValue, Truth
from kybern.catalog.applicability._models import Conclusion, Fact, Regime
from kybern.catalog.applicability._read import load_fact_schema, load_rules, read_rules
from kybern.catalog.applicability._rules import FactSchema, Rules
from kybern.catalog.applicability._schema import facts_schema
from kybern.catalog.applicability._values import contradictions, read_facts, read_value, written

__all__ = [
    "Answer",
    "Classification",
    "Conclusion",
    "Duty",
    "Fact",
    "FactSchema",
    "FactValue",
    "Reason",
    "Regime",
    "Rules",
    "Truth",
    "check_catalog",
    "classify",
    "contradictions",
    "duties",
    "facts_schema",
    "load_fact_schema",
    "load_rules",
    "read_facts",
    "read_rules",
    "read_value",
    "truths",
    "written",
]
