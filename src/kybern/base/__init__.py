"""What every room stands on: problems with a place, YAML with positions, canonical JSON."""

from kybern.base.canonical import canonical_json, digest, restricted
from kybern.base.problems import InputError, Place, Problem, Severity

__all__ = ["InputError", "Place", "Problem", "Severity", "canonical_json", "digest", "restricted"]
