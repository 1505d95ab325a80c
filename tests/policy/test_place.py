"""A fault is told with the line and column of the sign that is meant, however the file writes the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.base.yaml import YamlDocument, read_yaml
from kybern.policy._place import place_in_text


def read(yaml: str) -> YamlDocument:
    [document] = read_yaml(yaml.encode(), "rules.yaml")
    return document


def sign_at(document: YamlDocument, text: str, at: int) -> str:
    place = place_in_text(document, ("when",), text, at)
    return document.line_text(place.line)[place.column - 1 : place.column]


CONDITION = 'system.risk == "high" && tests.failed > 3 && !has(impact.at)'
WRITTEN = {
    "plain": f"when: {CONDITION}\n",
    "single quotes": f"when: '{CONDITION}'\n",
    "single quotes in a flow": f"{{when: '{CONDITION}', id: r}}\n",
    "folded": f"when: >-\n  {CONDITION}\nid: r\n",
    "literal": f"when: |\n    {CONDITION}\nid: r\n",
    "folded over lines": 'when: >-\n  system.risk == "high"\n  && tests.failed > 3\n  && !has(impact.at)\n',
    "literal over lines": 'id: r\nwhen: |\n  system.risk == "high" &&\n     tests.failed > 3\n\n  && !has(impact.at)\n',
    "plain over lines": 'when: system.risk == "high"\n  && tests.failed > 3\n  && !has(impact.at)\n',
    "quoted over lines": "when: 'system.risk == \"high\"\n  && tests.failed > 3\n\n  && !has(impact.at)'\n",
}


@pytest.mark.parametrize("yaml", WRITTEN.values(), ids=WRITTEN.keys())
def test_every_sign_is_found_where_it_stands(yaml: str) -> None:
    document = read(yaml)
    text = document.value["when"]  # type: ignore[index,call-overload]
    assert isinstance(text, str)
    for at, sign in enumerate(text):
        if not sign.isspace():
            assert sign_at(document, text, at) == sign, (at, text)
    found = {(place_in_text(document, ("when",), text, at).line, place_in_text(document, ("when",), text, at).column)
             for at, sign in enumerate(text) if not sign.isspace()}  # fmt: skip
    assert len(found) == sum(not sign.isspace() for sign in text), "each has a place of its own"


def test_what_is_missing_at_the_end_is_told_at_the_end() -> None:
    document = read("when: |\n  tests.failed >\nid: r\n")
    text = document.value["when"]  # type: ignore[index,call-overload]
    place = place_in_text(document, ("when",), str(text), len(str(text)))
    assert (place.line, place.column) == (2, len("  tests.failed >") + 1)


def test_what_is_written_with_escapes_is_told_where_it_begins() -> None:
    document = read('id: r\nwhen: "system.risk == \\"high\\" && tests.faild"\n')
    text = str(document.value["when"])  # type: ignore[index,call-overload]
    place = place_in_text(document, ("when",), text, text.index("faild"))
    assert (place.line, place.column) == (2, 7)


WORDS = st.sampled_from(("a.b", "==", '"x y"', "&&", "||", "(", ")", "!", "tests.failed", ">", "3", "in", "[", "]", "ä"))
LINES = st.lists(st.tuples(st.integers(0, 4), st.lists(WORDS, min_size=1, max_size=5), st.integers(0, 2)), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(LINES, st.sampled_from(("|", ">", "|-", ">-", "|+", ">+")), st.integers(1, 6))
def test_in_any_block_the_sign_at_the_place_is_the_one_meant(lines: list[tuple[int, list[str], int]], mark: str, indent: int) -> None:
    """Lines stand at any depth beyond the first's, with empty lines between them."""
    body = ""
    for number, (deeper, words, empty) in enumerate(lines):
        body += " " * (indent + (deeper if number else 0)) + " ".join(words) + "\n" + "\n" * empty
    document = read(f"when: {mark}\n{body}id: r\n")
    text = str(document.value["when"])  # type: ignore[index,call-overload]
    seen = set()
    for at, sign in enumerate(text):
        if not sign.isspace():
            place = place_in_text(document, ("when",), text, at)
            assert document.line_text(place.line)[place.column - 1] == sign
            seen.add((place.line, place.column))
    assert len(seen) == sum(not sign.isspace() for sign in text)
