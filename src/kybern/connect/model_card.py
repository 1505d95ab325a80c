"""Model cards of the Hugging Face form: YAML front matter, `model-index` with results, then Markdown.

The card itself is a document. Its figures are what the card's author says: without a sample size they cannot be signed as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import Field

from kybern.base import InputError
from kybern.base.validation import validate
from kybern.base.yaml import YamlDocument, read_yaml
from kybern.catalog import PredicateType
from kybern.connect._connector import Connector
from kybern.connect._json import Loose
from kybern.connect._observation import NOT_STATED, Observation, Reading, Source

TOPIC: Final = "model-card"
_FENCE: Final = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_WORD: Final = re.compile(r"\w+")
_TOOL: Final = "model card"


class _Metric(Loose):
    type: str
    name: str | None = None
    value: Any = None
    verified: bool | None = None


class _Named(Loose):
    type: str | None = None
    name: str | None = None
    split: str | None = None


class _Result(Loose):
    task: _Named = _Named()
    dataset: _Named = _Named()
    metrics: tuple[_Metric, ...] = ()


class _Model(Loose):
    name: str
    results: tuple[_Result, ...] = ()


class _Card(Loose):
    index: tuple[_Model, ...] = Field(default=(), alias="model-index")


def read(source: Source) -> Reading:
    """Read a card: the document, and every figure of its model index."""
    try:
        text = source.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise source.fault("not-utf8", f"Byte {error.start} is not UTF-8.", "Write it in UTF-8.") from None
    fence = _FENCE.match(text)
    if fence is None:
        raise source.fault("no-front-matter", "It does not begin with YAML between two lines `---`.", "Is this a model card?", line=1)
    # One line before the YAML, so that its lines are the file's.
    documents = read_yaml(("\n" + fence.group("yaml")).encode(), source.name)
    card = _card(documents, source)
    words = len(_WORD.findall(text[fence.end() :]))
    title = (card.index[0].name.strip() if card.index else "") or "Model card"
    fields = {"title": title[:300], "sha256": source.digest, "words": words}
    document = Observation("card", PredicateType.DOCUMENT, fields, _TOOL, NOT_STATED, "A model card as it is written")
    return Reading((document, *_figures(card)), topic=TOPIC, remarks=tuple(_unread(card)))


def _card(documents: tuple[YamlDocument, ...] | list[YamlDocument], source: Source) -> _Card:
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise source.fault("wrong-type", "The front matter is not one mapping.", line=2)
    card, problems = validate(_Card, documents[0], whole="The model card")
    if card is None:
        raise InputError(problems)
    return card


def _metrics(card: _Card) -> Iterator[tuple[_Model, _Result, _Metric]]:
    yield from ((model, result, metric) for model in card.index for result in model.results for metric in result.metrics)


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _figures(card: _Card) -> Iterator[Observation]:
    for model, result, metric in _metrics(card):
        if not _is_figure(metric.value):
            continue
        data = " ".join(filter(None, (result.dataset.name or result.dataset.type, result.dataset.split)))
        fields: dict[str, Any] = {"metric": metric.type[:300] or "unnamed", "value": float(metric.value)}
        fields |= {"population": data[:300]} if data else {}
        said = f"As the card's author states it: {metric.name or metric.type}"[:500]
        group = f"{model.name}/{data}" if data else model.name
        yield Observation(metric.type, PredicateType.MEASUREMENT, fields, _TOOL, NOT_STATED, said, group=group)


def _unread(card: _Card) -> Iterator[str]:
    yield from (f"{metric.type} is no single number and is left out" for _, _, metric in _metrics(card) if not _is_figure(metric.value))


CONNECTOR = Connector("model-card", "Model cards of the Hugging Face form", read)
