"""Checking content against the model of its kind, in the words that the lint of a YAML file uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kybern.base import Place, Problem
from kybern.base.yaml import JsonValue, pointer
from kybern.server.forms._fields import Widget
from kybern.server.forms._form import form_of, model_of
from kybern.server.forms._read import by_name
from kybern.workspace import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kybern.base.validation import Path
    from kybern.records import Record


@dataclass(frozen=True, slots=True)
class _Content:
    """Content as the validation of files wants it: a field's place is its form name."""

    value: JsonValue

    def place(self, path: Sequence[str | int] = (), *, key: bool = False) -> Place:  # noqa: ARG002 - a form shows no keys
        """Point to the field that a path leads to."""
        return Place("form", pointer=pointer(_as_in_form(self.value, tuple(path))))


def check(
    kind: str, content: Mapping[str, JsonValue], known_refs: Callable[[str], bool] | None = None
) -> tuple[Record | None, dict[str, tuple[Problem, ...]]]:
    """Check content: (record, or None where the model refuses it; problems by the form name of their field).

    Problems of the record as a whole stand under the empty name. With `known_refs`, which tells whether there is a record of a
    name, references that lead nowhere are problems too, and the record is given with them. Raises `InputError` for an unknown kind.
    """
    model = model_of(kind)
    document = _Content({**content, "kind": kind})
    record, problems = validate(model, document)
    if record is not None and known_refs is not None:
        for link in record.links():
            if link.target != record.ref and not known_refs(link.target):
                hint = f"Write a record {link.target}, or remove the reference."
                problems.append(Problem("broken-reference", f"There is no record {link.target}.", document.place(link.path), hint))
    return record, by_name(problems)


def _as_in_form(content: JsonValue, path: Path) -> Path:
    """Write a path as the form's names have it: a fact stands in a row, not under its own name."""
    kind = content.get("kind") if isinstance(content, dict) else None
    field = form_of(str(kind)).field(str(path[0])) if path else None
    if field is None or field.widget is not Widget.FACTS or len(path) == 1:
        return path
    facts = content.get(field.name) if isinstance(content, dict) else None
    names = list(facts) if isinstance(facts, dict) else []
    return (field.name, names.index(str(path[1])), "value") if path[1] in names else (field.name,)
