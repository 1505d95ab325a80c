"""A record as YAML and back, with every problem at its line and column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kybern.base import InputError, Place, Problem
from kybern.base.yaml import Limits, read_yaml
from kybern.records import Record
from kybern.workspace import emit_record, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FILE: Final = "record.yaml"
_LIMITS: Final = Limits(max_bytes=1 << 20, max_depth=16)


@dataclass(frozen=True)
class Read:
    """What a text of YAML says: the content, None where it says none, and what is wrong with it."""

    content: dict[str, Any] | None
    problems: tuple[Problem, ...]


def yaml_of(kind: str, content: Mapping[str, Any]) -> str:
    """Write a record's content as YAML, as a workspace has it."""
    return emit_record({**content, "kind": kind})


def content_from_yaml(kind: str, text: str, known: Callable[[str], bool]) -> Read:
    """Read one record of a kind; `known` tells whether there is a record of a name."""
    try:
        documents = read_yaml(text.replace("\r\n", "\n").encode(), _FILE, _LIMITS)
    except InputError as error:
        return Read(None, error.problems)
    document = documents[0]
    if len(documents) > 1 or not isinstance(document.value, dict):
        return Read(None, (Problem("not-a-record", "This is not one record.", Place(_FILE, 1, 1), "Write fields, each as `name: value`."),))
    value: dict[str, Any] = document.value
    if value.get("kind", kind) != kind:
        place = document.place(("kind",))
        return Read(None, (Problem("wrong-kind", f"This page writes records of the kind {kind}.", place, f"Write `kind: {kind}`."),))
    if "kind" not in value:
        # The model wants the kind; whoever writes here has said it by the address, and places stay as they are.
        value["kind"] = kind
    record, problems = validate(Record.registry[kind], document)
    if record is not None:
        problems += [
            Problem(
                "broken-reference",
                f"There is no record {link.target}.",
                document.place(link.path),
                "Write it first, or take the reference out.",
            )
            for link in record.links()
            if link.target != record.ref and not known(link.target)
        ]
    return Read(value, tuple(sorted(problems, key=lambda one: one.place)))
