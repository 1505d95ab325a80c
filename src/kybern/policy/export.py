"""Rules in the languages of others: Cedar and Rego. What a language cannot say is left out by name, never said otherwise."""

from kybern.policy._cedar import cedar_context, cedar_effect, to_cedar
from kybern.policy._export import Export, LeftOut, NotExpressible, exported_facts
from kybern.policy._rego import to_rego

__all__ = ["Export", "LeftOut", "NotExpressible", "cedar_context", "cedar_effect", "exported_facts", "to_cedar", "to_rego"]
