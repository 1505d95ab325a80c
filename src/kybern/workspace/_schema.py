"""JSON Schema (2020-12) of record files, made from the models: what editors check and complete with."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from kybern.base import InputError, Place
from kybern.base.suggest import Suggester
from kybern.records import Record

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Describe a record file: one record of any kind, or a list of them."""
    kinds = sorted(Record.registry)
    refs, definitions = _definitions(kinds)
    definitions["AnyRecord"] = {
        "title": "Record",
        "type": "object",
        "required": ["kind", "id", "title"],
        "properties": {"kind": {"description": "What the record is.", "enum": kinds}},
        "allOf": [{"if": _is(kind), "then": refs[kind]} for kind in kinds],
    }
    any_record = {"$ref": "#/$defs/AnyRecord"}
    many = {"type": "array", "items": any_record, "minItems": 1}
    head = {"$schema": _DIALECT, "$id": "urn:kybern:schema:records:v1", "title": "Kybern records"}
    return {**head, "oneOf": [any_record, many], "$defs": definitions}


def record_schema(kind: str) -> dict[str, Any]:
    """Describe one record of a kind; `InputError` if there is no such kind."""
    if kind not in Record.registry:
        hint = Suggester().hint(kind, Record.registry, f"The kinds are {', '.join(sorted(Record.registry))}.")
        message = f"There is no record kind {kind}."
        raise InputError.one("unknown-kind", message, Place("KIND"), hint)
    refs, definitions = _definitions([kind])
    head = {"$schema": _DIALECT, "$id": f"urn:kybern:schema:record:{kind}:v1", "title": f"Kybern record: {kind}"}
    return {**head, "type": "object", "required": ["kind", "id", "title"], "allOf": [refs[kind]], "$defs": definitions}


def _is(kind: str) -> dict[str, Any]:
    return {"properties": {"kind": {"const": kind}}, "required": ["kind"]}


def _definitions(kinds: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the reference to each kind's schema, and every definition they need, names that clash kept apart."""
    models = [(Record.registry[kind], "validation") for kind in kinds]
    found, schema = models_json_schema(models, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
    return {kind: found[Record.registry[kind], "validation"] for kind in kinds}, schema.get("$defs", {})
