"""JSON Schema (2020-12) of a file of facts, made from the fact schema: what editors check and complete with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kybern.catalog.applicability._models import Fact
    from kybern.catalog.applicability._rules import FactSchema

_PLACE = {"type": "string", "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$"}


def facts_schema(schema: FactSchema) -> dict[str, Any]:
    """Describe a file of facts: one key a fact, null for what is not known."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:kybern:schema:facts:{schema.version}",
        "title": "Facts about an AI system and its organisation",
        "type": "object",
        "additionalProperties": False,
        "properties": {fact.name: _property(fact) for fact in schema.facts.values()},
    }


def _property(fact: Fact) -> dict[str, Any]:
    """Describe one fact: its values with their words, its question and help."""
    words = [f"{value}: {says}" for value, says in fact.values.items()]
    about = "\n".join(part for part in (fact.question, fact.help, *words, f"Sources: {', '.join(fact.source)}") if part)
    described: dict[str, Any] = {"title": fact.question, "description": about, "x-about": fact.about}
    if fact.unit is not None:
        described["x-unit"] = fact.unit
    return {**described, **_type(fact)}


def _type(fact: Fact) -> dict[str, Any]:
    if fact.type == "enum":
        return {"enum": [*fact.values, None]}
    if fact.type in {"set", "countries"}:
        items = {"enum": list(fact.values)} if fact.values else _PLACE
        return {"type": ["array", "null"], "items": items, "uniqueItems": True}
    if fact.type == "date":
        return {"type": ["string", "null"], "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    return {"type": ["boolean", "null"]} if fact.type == "bool" else {"type": ["number", "null"], "minimum": 0}
