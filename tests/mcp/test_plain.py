"""What an assistant is given is bounded and without signs that no reader sees, whatever a record holds."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from kybern.mcp._plain import CUT, MOST, bounded, clip, fitted, is_cut

texts = (
    st.text(max_size=60)
    | st.text("\u202e\u200b\U000e0041\x1b a", max_size=20)
    | st.integers(100, 60_000).map(lambda size: "wörd " * (size // 5))
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=150) | st.dictionaries(texts, inner, max_size=30), max_leaves=60)


@given(values)
def test_a_value_is_bounded_and_says_whether_it_was_cut(value: Any) -> None:
    found, cut = bounded(value)
    said = json.dumps(found, ensure_ascii=False)
    assert len(said) <= MOST
    assert cut == is_cut(found)
    if not cut:
        assert shape(found) == shape(value)


def shape(value: Any) -> Any:
    """A value without what is hidden in its texts."""
    if isinstance(value, str):
        return clip(value, len(value))
    if isinstance(value, list):
        return [shape(one) for one in value]
    if isinstance(value, dict):
        return {shape(name): shape(one) for name, one in value.items()}
    return value


@given(texts, st.integers(60, 4000))
def test_a_text_is_clipped_and_plain(text: str, most: int) -> None:
    found = clip(text, most)
    assert len(found) <= most
    assert all(sign in "\t\n" or unicodedata.category(sign) != "Cc" for sign in found)
    assert not set(found) & set("\u200b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\U000e0041")
    assert found.endswith(CUT) or found == clip(text, len(text) + len(CUT))


def test_words_of_every_script_stay() -> None:
    for text in ("Größe – „ja“", "می\u200cخواهم", "日本語", "क्\u200dष", "👩\u200d🔬", "a\nb\tc"):
        assert clip(text) == text


class Listed(BaseModel):
    items: list[str]
    more: bool = False


@given(st.lists(st.integers(0, 3000), max_size=60))
def test_a_list_is_cut_at_its_end_and_says_so(sizes: list[int]) -> None:
    said = Listed(items=["x" * size for size in sizes])
    found = fitted(said)
    assert len(found.model_dump_json()) <= MOST
    assert found.items == said.items[: len(found.items)]
    assert found.more == (len(found.items) < len(said.items))


@pytest.mark.parametrize("depth", [11, 12, 13, 400])
def test_what_is_nested_without_end_is_cut(depth: int) -> None:
    value: Any = "core"
    for _ in range(depth):
        value = {"in": value}
    found, cut = bounded(value)
    assert cut == (depth > 12)
    assert len(json.dumps(found)) <= MOST
