"""One YAML document out of a file of rules or clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kybern.base import InputError, Place
from kybern.base.yaml import YamlDocument, read_yaml

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def one_document(file: Traversable) -> YamlDocument:
    """Read the first document of a file; raises `InputError` where there is none, or it cannot be read."""
    try:
        return read_yaml(file.read_bytes(), str(file))[0]
    except (OSError, IndexError) as error:
        raise InputError.one("unreadable", "The file cannot be read.", Place(str(file)), "It holds one YAML document.") from error
