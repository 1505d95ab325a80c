"""What the client reads is what the API says that it gives: field by field, and where there may be nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

import pytest

from kybern.client import Event, _results, _standing_results
from kybern.client._results import Page, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHERWISE: Final = {
    "AccessEvent": "EventOut",
    "ControlAssessment": "ControlStanding",
    "ControlDetail": "ControlWhole",
    "Effect": "DateOut",
    "Evidence": "PieceOut",
    "EvidenceDetail": "PieceWhole",
    "FrameworkDetail": "FrameworkWhole",
    "NewToken": "TokenIssued",
    "NewUser": "UserMade",
    "RequirementDetail": "RequirementWhole",
    "SubjectOf": "SubjectOut",
    "SystemAssessment": "SystemStanding",
}
"""What the API's description calls it, where that is not the client's name with Out behind it."""


def shapes() -> list[type[Result]]:
    """Give every shape of the client that the API describes: events come in a stream, pages have a shape of their own."""
    said = [one for module in (_results, _standing_results) for one in vars(module).values() if isinstance(one, type)]
    found = {one for one in said if issubclass(one, Result) and one not in {Result, Page, Event}}
    return sorted(found, key=lambda one: one.__name__)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    from kybern.server.api._build import api

    return dict(api.get_openapi_schema()["components"]["schemas"])


@pytest.mark.parametrize("shape", shapes(), ids=lambda one: one.__name__)
def test_a_shape_has_the_fields_that_the_api_describes(shape: type[Result], described: dict[str, Any]) -> None:
    fields = described[_OTHERWISE.get(shape.__name__, f"{shape.__name__}Out")]["properties"]
    assert set(shape.model_fields) == set(fields)
    for name, field in shape.model_fields.items():
        may_be_nothing = type(None) in get_args(field.annotation)
        assert may_be_nothing or "null" not in set(_types(fields[name])), f"{name} may be null and is read as if it could not"


def _types(field: dict[str, Any]) -> Iterator[str]:
    """Name the types that a description allows."""
    for one in (field, *field.get("anyOf", ()), *field.get("oneOf", ())):
        said = one.get("type", ())
        yield from (said,) if isinstance(said, str) else said


def test_shapes_are_found_by_this_test() -> None:
    assert len(shapes()) > 45
    assert set(_OTHERWISE) <= {one.__name__ for one in shapes()}
