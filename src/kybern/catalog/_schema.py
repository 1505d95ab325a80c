"""JSON Schema (2020-12) of catalog files, made from the shapes: what editors check and complete with."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from kybern.base import InputError, Place
from kybern.base.suggest import Suggester
from kybern.catalog._models import Answers, Control, Crosswalk, Framework

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODELS: Final[dict[str, type[BaseModel]]] = {"framework": Framework, "control": Control, "answers": Answers, "crosswalk": Crosswalk}


def catalog_schema(kind: str) -> dict[str, Any]:
    """Describe a file of a catalog: a `framework`, a list of controls (`control`), the `answers` to a framework or a `crosswalk`.

    Raises `InputError` for anything else.
    """
    if kind not in _MODELS:
        hint = Suggester().hint(kind, _MODELS, f"The kinds are {', '.join(_MODELS)}.")
        raise InputError.one("unknown-kind", f"There is no catalog schema {kind}.", Place("KIND"), hint)
    model = _MODELS[kind]
    refs, schema = models_json_schema([(model, "validation")], ref_template="#/$defs/{model}")
    one = refs[model, "validation"]
    whole = {"type": "array", "items": one} if kind == "control" else one
    head = {"$schema": _DIALECT, "$id": f"urn:kybern:schema:catalog:{kind}:v1", "title": f"Kybern catalog: {kind}"}
    return {**head, **whole, "$defs": schema["$defs"]}
