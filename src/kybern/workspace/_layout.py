"""ruamel.yaml as records are laid out with it: two spaces a level, list items indented, plain scalars letter by letter as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import ScalarString

if TYPE_CHECKING:
    from ruamel.yaml.nodes import ScalarNode

_NOT_TEXT: Final = ("null", "bool", "int", "float", "timestamp")


class _Verbatim(ScalarString):
    """A plain scalar that is not text: written back letter by letter."""

    __slots__ = ("tag_name",)
    tag_name: str

    def __new__(cls, value: str, tag_name: str, anchor: str | None) -> _Verbatim:  # noqa: PYI034 - ruamel's own classes have it so
        found: _Verbatim = ScalarString.__new__(cls, value, anchor=anchor)
        found.tag_name = tag_name
        return found


class _Constructor(RoundTripConstructor):
    """Keeps plain scalars as they are written."""

    def verbatim(self, node: ScalarNode) -> _Verbatim:
        return _Verbatim(node.value, str(node.tag), node.anchor)


class _Representer(RoundTripRepresenter):
    """Writes them so again."""

    def verbatim(self, value: _Verbatim) -> ScalarNode:
        return self.represent_scalar(value.tag_name, str(value), style=None, anchor=value.yaml_anchor())


for _name in _NOT_TEXT:
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_name}", _Constructor.verbatim)
_Representer.add_representer(_Verbatim, _Representer.verbatim)


def writer() -> YAML:
    """Give what reads a text and writes it anew."""
    yaml = YAML()
    yaml.Constructor, yaml.Representer = _Constructor, _Representer
    yaml.preserve_quotes = True
    yaml.width = 2**31
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
