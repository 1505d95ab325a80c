"""What every record kind shares: identity, ownership, review, references, digest."""

from __future__ import annotations

from datetime import date
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field

from kybern.base import digest
from kybern.catalog import Days, Layer, Slug
from kybern.records._refs import ID_PATTERN, CatalogRef, Link, OwnerRef, RefTo

if TYPE_CHECKING:
    from collections.abc import Iterator

RecordId = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
"""Prose that is really there: an empty string is not an answer."""

Facts = dict[Annotated[str, Field(max_length=60)], bool | int | float | str | tuple[str | int, ...] | None]
"""Facts for applicability, each of the type that the fact schema says; null is not known. The linter checks them."""


class Part(BaseModel):
    """A piece of a record: immutable, and an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Record(Part):
    """Base of every record kind.

    A subclass gives `kind` a literal default, `layer`, `clause` and a docstring, and is then a kind everywhere: in YAML, JSON
    Schema, lint, tables and traces.
    """

    registry: ClassVar[dict[str, type[Record]]] = {}
    layer: ClassVar[Layer]
    clause: ClassVar[str]
    """The ISO/IEC 42001 clause or control that asks for the kind."""
    needs_owner: ClassVar[bool] = True

    kind: str
    id: RecordId
    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: Text | None = None
    owner: OwnerRef | None = None
    version: Annotated[str, Field(max_length=40)] | None = None
    reviewed_on: date | None = None
    review_every: Days | None = None
    tags: tuple[Slug, ...] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the kind under the literal its `kind` field carries; `TypeError` if another class has it."""
        super().__pydantic_init_subclass__(**kwargs)
        kind = cast("str", cls.model_fields["kind"].default)
        other = Record.registry.setdefault(kind, cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            msg = f"record kind {kind!r} is defined twice: {other.__module__} and {cls.__module__}"
            raise TypeError(msg)

    @property
    def ref(self) -> str:
        """The record's name everywhere: `kind:id`."""
        return f"{self.kind}:{self.id}"

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the record states, JSON-shaped, without unset fields; digests and conditions read this."""
        return self.model_dump(mode="json", exclude_none=True)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of `content`: the name of this version of the record."""
        return digest(self.content)

    def links(self) -> Iterator[Link]:
        """Every reference to another record, in field order."""
        for path, mark in _marks(type(self)):
            if isinstance(mark, RefTo):
                for where, target in _values(self, path):
                    yield Link(where, target, mark.edge, mark.kinds)

    def catalog_links(self) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """Every catalog entry named: (path, `control` or `requirement`, its id)."""
        for path, mark in _marks(type(self)):
            if isinstance(mark, CatalogRef):
                for where, target in _values(self, path):
                    yield where, mark.entry, target


@cache
def _marks(model: type[BaseModel]) -> tuple[tuple[tuple[str, ...], RefTo | CatalogRef], ...]:
    """Find the reference fields of a model and of its parts, as (field path, mark)."""
    found: list[tuple[tuple[str, ...], RefTo | CatalogRef]] = []
    for name, field in model.model_fields.items():
        found += [((name,), mark) for mark in field.metadata if isinstance(mark, RefTo | CatalogRef)]
        found += [((name, *path), mark) for path, mark in _annotation_marks(field.annotation)]
    return tuple(found)


def _annotation_marks(annotation: Any) -> Iterator[tuple[tuple[str, ...], RefTo | CatalogRef]]:
    if isinstance(annotation, RefTo | CatalogRef):
        yield (), annotation
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _marks(annotation)
    else:
        for inner in get_args(annotation):
            yield from _annotation_marks(inner)


def _values(value: object, path: tuple[str, ...], at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Follow a field path through parts and tuples to the texts at its end."""
    if value is None:
        return
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _values(item, path, (*at, index))
    elif path:
        yield from _values(getattr(value, path[0]), path[1:], (*at, path[0]))
    else:
        yield at, cast("str", value)
