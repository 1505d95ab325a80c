"""What can be asked of the catalog: frameworks, controls, crosswalks."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from kybern.client._exchange import Call, path_of, query_of
from kybern.client._results import Page
from kybern.client._standing_results import Control, ControlDetail, Crosswalk, Framework, FrameworkDetail, Pair

_FRAMEWORKS: Final = TypeAdapter(tuple[Framework, ...])
_CONTROLS: Final = TypeAdapter(Page[Control])
_CROSSWALKS: Final = TypeAdapter(tuple[Crosswalk, ...])
_PAIRS: Final = TypeAdapter(Page[Pair])


def frameworks() -> Call[tuple[Framework, ...]]:
    """List the frameworks of the catalog."""
    return Call("GET", "frameworks", lambda answer: _FRAMEWORKS.validate_json(answer.content))


def framework(identity: str) -> Call[FrameworkDetail]:
    """Give a framework with every entry, and the controls that answer each."""
    return Call("GET", path_of("frameworks", identity), lambda answer: FrameworkDetail.model_validate_json(answer.content))


def controls(framework: str | None = None, *, q: str | None = None, layer: str | None = None, page_size: int = 200) -> Call[Page[Control]]:
    """List controls: those that answer something of a framework, by words (`q`), of a layer."""
    query = query_of(framework=framework, q=q, layer=layer, limit=page_size)
    return Call("GET", "controls", lambda answer: _CONTROLS.validate_json(answer.content), query)


def control(identity: str) -> Call[ControlDetail]:
    """Give a control with its checks."""
    return Call("GET", path_of("controls", identity), lambda answer: ControlDetail.model_validate_json(answer.content))


def crosswalks() -> Call[tuple[Crosswalk, ...]]:
    """List the crosswalks that the catalog has; between other frameworks `crosswalk` composes them."""
    return Call("GET", "crosswalks", lambda answer: _CROSSWALKS.validate_json(answer.content))


def crosswalk(source: str, target: str, *, page_size: int = 200) -> Call[Page[Pair]]:
    """List what is known of the entries of two frameworks, by a crosswalk or composed through a third framework."""
    return Call(
        "GET", path_of("crosswalks", source, target), lambda answer: _PAIRS.validate_json(answer.content), query_of(limit=page_size)
    )
