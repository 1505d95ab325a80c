"""What records add to the words of validation: references, and the kinds of record they may name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel

from kybern.base import validation
from kybern.base.validation import Said, shown
from kybern.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.base import Problem
    from kybern.base.validation import Document, Fault, Sayings

_M = TypeVar("_M", bound=BaseModel)

_REFERENCE: Final = re.compile(r"\^\(([a-z_|]+|\[a-z_\]\+)\):\[a-z0-9\]")

_LONGEST: Final = 60
"""Characters of a name in an example."""


def validate(model: type[_M], document: Document, prefix: Sequence[str | int] = ()) -> tuple[_M | None, list[Problem]]:
    """Validate the part of `document` at `prefix`; gives the instance, or None and every problem with its place.

    The rules are those of `kybern.base.validation`, and `wrong-kind` for a reference to a record of a kind not meant there.
    """
    whole = f"A record of kind {model.model_fields['kind'].default}" if issubclass(model, Record) else "kybern.yaml"
    return validation.validate(model, document, prefix, whole=whole, more=_SAYINGS)


def _reference(fault: Fault) -> Said | None:
    """Say what a reference should name, if the text is to be one."""
    found = _REFERENCE.match(fault.context["pattern"])
    if not found:
        return None
    kinds = () if found[1].startswith("[") else tuple(found[1].split("|"))
    kind, colon, rest = fault.given.partition(":")
    if kinds and colon and kind in Record.registry and kind not in kinds:
        message = f"{fault.name} names a record of kind {kind}; it needs {' or '.join(kinds)}."
        return Said("wrong-kind", message, f"Write it like {kinds[0]}:name.")
    name = shown((rest or kind).strip().lower().replace(" ", "-")[:_LONGEST]) or "name"
    example = f"{kinds[0] if kinds else 'role'}:{name}"
    return Said("wrong-form", f"{fault.name} does not name a record: {shown(fault.given)}.", f"Write it like {example}.")


_SAYINGS: Final[Sayings] = {"string_pattern_mismatch": _reference}
