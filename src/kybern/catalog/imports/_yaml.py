"""A framework as the YAML of the catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kybern.catalog._models import Framework

_HEAD: Final = ("id", "title", "edition", "publisher", "source", "status_date", "rights", "nature", "jurisdictions", "applies_when")


def to_yaml(framework: Framework, about: Sequence[str] = ()) -> str:
    """Write a framework; `about` are lines of comment that head the file."""
    value = framework.model_dump(mode="json", exclude_defaults=True)
    lines = [f"# {line}" for line in about]
    lines += [f"{name}: {_scalar(value[name])}" for name in _HEAD if name in value]
    lines.append("requirements:")
    for entry in value["requirements"]:
        lines += _entry(entry)
    return "\n".join(lines) + "\n"


def _entry(entry: Mapping[str, Any]) -> Iterator[str]:
    lead = "  - "
    for name, value in entry.items():
        yield f"{lead}{name}: {_block(value) if _reads_better_in_lines(value) else _scalar(value)}"
        lead = "    "


def _scalar(value: Any) -> str:
    """Write in JSON's way, which YAML reads."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f").replace("\x85", "\\u0085").replace("\ufeff", "\\ufeff")


def _reads_better_in_lines(value: Any) -> bool:
    """Tell whether a text has several lines that YAML keeps as they are when they are set in."""
    if not isinstance(value, str) or "\n" not in value or value != value.strip():
        return False
    return all(line.isprintable() and line == line.rstrip() for line in value.split("\n"))


def _block(value: str) -> str:
    return "|-\n" + "\n".join(f"      {line}" if line else "" for line in value.split("\n"))
