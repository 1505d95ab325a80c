"""Making a form from the model of a kind: nothing of it is written by hand, so a new kind has its form at once."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, Union, cast, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from kybern.base import InputError, Place
from kybern.base.suggest import Suggester
from kybern.base.validation import form_hint, shown
from kybern.records import CatalogRef, Record, RefTo
from kybern.server.forms._fields import Choice, Field, Form, Group, Widget
from kybern.server.forms._labels import field_label, label_of, label_of_many
from kybern.server.forms._patterns import html_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kybern.base.yaml import JsonValue

_FIRST: Final = ("id", "title")
_COMMON: Final = tuple(name for name in Record.model_fields if name not in {"kind", *_FIRST})
_DAYS: Final = r"^P\d{1,5}D$"
_DAYS_OR_NUMBER: Final = r"\d{1,5}|P\d{1,5}D"
_A_LINE: Final = 500
"""Characters up to which a text is written on one line."""
_LIMITS: Final = ("min_length", "max_length", "pattern", "ge", "gt", "le", "lt")


def form_of(kind: str) -> Form:
    """Make the form of a kind; `InputError` if there is no such kind."""
    return _form(kind, model_of(kind))


def model_of(kind: str) -> type[Record]:
    """Give the model of a kind; `InputError` if there is no such kind."""
    if kind not in Record.registry:
        hint = Suggester().hint(kind, Record.registry, f"The kinds are {', '.join(sorted(Record.registry))}.")
        raise InputError.one("unknown-kind", f"There is no record kind {shown(kind)}.", Place("form", pointer="/kind"), hint)
    return Record.registry[kind]


@cache
def _form(kind: str, model: type[Record]) -> Form:
    fields = {field.name: field for field in _fields_of(model, ())}
    own = tuple(field for name, field in fields.items() if name not in {*_FIRST, *_COMMON})
    label = label_of(kind)
    groups = (
        Group("Name", tuple(fields[name] for name in _FIRST)),
        Group(label, own),
        Group("Ownership and review", tuple(fields[name] for name in _COMMON)),
    )
    return Form(kind, label, _doc(model), groups, label_of_many(kind))


def _fields_of(model: type[BaseModel], path: tuple[str, ...]) -> tuple[Field, ...]:
    model.model_rebuild()  # a part may stand below the record that has it
    return tuple(_field(model, name, info, (*path, name)) for name, info in model.model_fields.items() if path or name != "kind")


def _doc(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


class _Shape(NamedTuple):
    """An annotation taken apart: the type itself, the limits and marks around it, whether it may be left open."""

    type: Any
    limits: Mapping[str, Any]
    mark: RefTo | CatalogRef | None
    optional: bool


def _shape(annotation: Any, metadata: Iterable[Any] = ()) -> _Shape:
    limits: dict[str, Any] = {}
    mark: RefTo | CatalogRef | None = None
    optional = False
    around = list(metadata)
    while True:
        for one in around:
            mark = one if isinstance(one, RefTo | CatalogRef) else mark
            limits |= {name: value for name in _LIMITS if (value := getattr(one, name, None)) is not None}
        arguments = get_args(annotation)
        if get_origin(annotation) is Annotated:
            annotation = arguments[0]
            around = [inner for one in arguments[1:] for inner in (one.metadata if isinstance(one, FieldInfo) else (one,))]
        elif get_origin(annotation) in {Union, UnionType} and NoneType in arguments:
            optional = True
            rest = tuple(one for one in arguments if one is not NoneType)
            annotation, around = (rest[0] if len(rest) == 1 else Union[rest]), []  # noqa: UP007 - made of a tuple
        else:
            return _Shape(annotation, limits, mark, optional)


def _field(model: type[BaseModel], name: str, info: FieldInfo, path: tuple[str, ...]) -> Field:
    shape = _shape(info.annotation, info.metadata)
    default = cast("JsonValue", None if info.is_required() else info.get_default(call_default_factory=True))
    return _of_shape(
        shape,
        path,
        label=field_label(name, model.__name__),
        help=info.description or "",
        required=info.is_required(),
        default=list(default) if isinstance(default, tuple) else default,
    )


def _of_shape(shape: _Shape, path: tuple[str, ...], **more: Any) -> Field:
    """Find the widget that fits a shape."""
    found, arguments = shape.type, get_args(shape.type)
    origin = get_origin(found)
    if origin is Literal:
        return Field(path, widget=Widget.CHOICE, choices=_choices(arguments), **more)
    if origin in {tuple, list, set, frozenset} and (origin is not tuple or arguments[-1] is Ellipsis):
        return _list(shape, _shape(arguments[0]), path, more)
    if origin is dict:
        return _facts(path, arguments, more)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return Field(path, widget=Widget.PART, inner=_fields_of(found, path), **{**more, "help": more["help"] or _doc(found)})
    if found is str:
        return _text(shape, path, more)
    return Field(path, **_plain(shape), **more)


def _list(shape: _Shape, each: _Shape, path: tuple[str, ...], more: Mapping[str, Any]) -> Field:
    least = shape.limits.get("min_length", 0)
    bounds = {"least": least, "most": shape.limits.get("max_length")}
    label = str(more["label"])
    item = _of_shape(each, path, label=label, help="", required=False, default=None)
    if item.widget is Widget.CHOICE:
        return Field(path, widget=Widget.CHOICES, choices=item.choices, none_is_said=shape.optional and not least, **bounds, **more)
    if item.widget is Widget.PART:
        said = {**more, "help": more["help"] or item.help}
        return Field(path, widget=Widget.PARTS, inner=item.inner, none_is_said=shape.optional and not least, **bounds, **said)
    each_row = replace(item, hint="")  # said once, of the list
    return Field(path, widget=Widget.LIST, inner=(each_row,), hint=item.hint, none_is_said=shape.optional and not least, **bounds, **more)


def _facts(path: tuple[str, ...], arguments: tuple[Any, ...], more: Mapping[str, Any]) -> Field:
    limits = _attributes(_shape(arguments[0]).limits)
    hint = "Write true, 12, a text, or a list: [one, two]. null is not known."
    name = Field((*path, "name"), "Name", Widget.LINE, attributes=limits)
    return Field(path, widget=Widget.FACTS, inner=(name, Field((*path, "value"), "Value", Widget.VALUE)), hint=hint, **more)


def _choices(values: tuple[Any, ...]) -> tuple[Choice, ...]:
    return tuple(Choice(str(value), label_of(str(value))) for value in values)


def _text(shape: _Shape, path: tuple[str, ...], more: Mapping[str, Any]) -> Field:
    mark, limits = shape.mark, shape.limits
    if isinstance(mark, RefTo):
        pattern = str(TypeAdapter(Annotated[str, mark]).json_schema()["pattern"])
        hint = f"Write it like {mark.kinds[0] if mark.kinds else 'role'}:name."
        attributes = {"pattern": html_pattern(pattern), "title": hint}
        return Field(
            path, widget=Widget.REFERENCE, kinds=mark.kinds, edge=mark.edge, hint=hint, attributes=MappingProxyType(attributes), **more
        )
    if isinstance(mark, CatalogRef):
        return Field(path, widget=Widget.CATALOG, entry=mark.entry, attributes=_attributes(limits), **more)
    if limits.get("pattern") == _DAYS:
        attributes = {"pattern": _DAYS_OR_NUMBER, "inputmode": "numeric"}
        return Field(path, widget=Widget.DAYS, attributes=MappingProxyType(attributes), **more)
    short = "pattern" in limits or limits.get("max_length", _A_LINE + 1) <= _A_LINE
    hint = form_hint(limits["pattern"]) if "pattern" in limits else ""
    return Field(path, widget=Widget.LINE if short else Widget.PROSE, hint=hint, attributes=_attributes(limits), **more)


def _plain(shape: _Shape) -> dict[str, Any]:
    found = shape.type
    if found is bool:
        return {"widget": Widget.TRUTH}
    if found is AwareDatetime or (isinstance(found, type) and issubclass(found, datetime)):
        return {"widget": Widget.MOMENT, "hint": "Write it like 2026-11-20T09:30:00Z, or with an offset such as +02:00."}
    if found is date:
        return {"widget": Widget.DATE}
    if found in {int, float}:
        widget = Widget.INTEGER if found is int else Widget.NUMBER
        return {"widget": widget, "attributes": _attributes(shape.limits, step=1 if found is int else "any")}
    return {"widget": Widget.VALUE}


def _attributes(limits: Mapping[str, Any], **more: str | int) -> Mapping[str, str | int]:
    """Write limits as HTML's constraints."""
    found: dict[str, str | int] = dict(more)
    if limits.get("min_length", 0) > 1:
        found["minlength"] = limits["min_length"]
    if "max_length" in limits:
        found["maxlength"] = limits["max_length"]
    for name, bound in (("min", "ge"), ("max", "le")):
        if bound in limits:
            found[name] = limits[bound]
    if "pattern" in limits:
        found["pattern"] = html_pattern(limits["pattern"])
        if hint := form_hint(limits["pattern"]):
            found["title"] = hint
    return MappingProxyType(found)
