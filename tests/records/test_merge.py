"""Three-way merge of contents: changes in different places come together, clashes are listed, and no word is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.records import ABSENT, Conflict, diff_words, merge

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = st.sampled_from(("ada", "bob", "cy", "a text", "other", "more", "true", ""))
LEAVES = st.one_of(WORDS, st.booleans(), st.integers(0, 3), st.none())
PARTS = st.fixed_dictionaries({"gate": WORDS, "on": WORDS}, optional={"by": WORDS, "name": WORDS})
VALUES = st.one_of(
    LEAVES,
    st.lists(WORDS, max_size=5),
    st.lists(PARTS, max_size=4),
    st.dictionaries(WORDS, LEAVES, max_size=3),
    st.lists(st.one_of(WORDS, PARTS, st.lists(WORDS, max_size=2)), max_size=3),
)
NAMES = ("title", "users", "gates", "tools", "facts", "purpose")
CONTENTS = st.dictionaries(st.sampled_from(NAMES), VALUES).map(lambda found: {"kind": "ai_system", **found})


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


@given(base=CONTENTS, one=CONTENTS)
def test_who_changed_alone_gets_what_they_wrote(base: dict[str, Any], one: dict[str, Any]) -> None:
    for found in (merge(base, base, one), merge(base, one, base), merge(base, one, one)):
        assert (found.content, found.conflicts) == (one, ())


@given(base=CONTENTS, theirs=CONTENTS, mine=CONTENTS)
def test_whatever_text_was_added_stands_in_the_content_or_in_a_conflict(
    base: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    found = merge(base, theirs, mine)
    kept = {*texts(found.content), *(text for one in found.conflicts for side in (one.theirs, one.mine) for text in texts(side))}
    assert {*texts(theirs), *texts(mine)} - {*texts(base)} <= kept


@given(base=CONTENTS, theirs=CONTENTS, mine=CONTENTS)
def test_a_conflict_points_to_mine_and_all_are_resolved_by_taking_theirs(
    base: dict[str, Any], theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    found = merge(base, theirs, mine)
    for one in found.conflicts:
        if one.mine is not ABSENT:
            assert at(found.content, one.pointer) == one.mine
    numbers = [one.number for one in found.conflicts]
    assert numbers == list(range(len(numbers)))
    assert merge(base, theirs, mine, numbers).conflicts == ()
    assert [one.number for one in merge(base, theirs, mine, numbers[:1]).conflicts] == numbers[1:]


def at(content: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        content = content[int(step)] if isinstance(content, list) else content[step.replace("~1", "/").replace("~0", "~")]
    return content


@given(base=CONTENTS, changes=CONTENTS, data=st.data())
def test_changes_in_different_fields_come_together_in_either_order(
    base: dict[str, Any], changes: dict[str, Any], data: st.DataObject
) -> None:
    theirs_names = data.draw(st.sets(st.sampled_from(NAMES)))
    theirs, mine, both = dict(base), dict(base), dict(base)
    for name in NAMES:
        for side in (both, theirs if name in theirs_names else mine):
            side.pop(name, None)
            if name in changes:
                side[name] = changes[name]
    for found in (merge(base, theirs, mine), merge(base, mine, theirs)):
        assert (found.content, found.conflicts) == (both, ())


def test_a_field_that_both_wrote_is_a_conflict_that_keeps_mine() -> None:
    found = merge({"title": "a", "owner": "role:x"}, {"title": "b"}, {"title": "c", "owner": "role:y"})
    assert found.content == {"title": "c", "owner": "role:y"}
    assert found.conflicts == (Conflict(0, "/title", "a", "b", "c"), Conflict(1, "/owner", "role:x", ABSENT, "role:y"))
    assert merge({"title": "a", "owner": "role:x"}, {"title": "b"}, {"title": "c", "owner": "role:y"}, [0, 1]).content == {"title": "b"}


def test_lists_of_texts_are_sets_in_order() -> None:
    base = {"users": ["a", "b", "c"]}
    assert merge(base, {"users": ["a", "x", "b", "c"]}, {"users": ["a", "c", "y"]}).content == {"users": ["a", "x", "c", "y"]}
    assert merge(base, {"users": ["c", "b", "a"]}, {"users": ["a", "b", "c", "d"]}).content == {"users": ["c", "d", "b", "a"]}
    assert merge(base, {"users": ["a", "b", "c", "n"]}, {"users": ["c", "b", "a"]}).content == {"users": ["c", "n", "b", "a"]}
    assert merge({}, {"users": ["a", "b"]}, {"users": ["b", "c"]}).content == {"users": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("kind", "name", "identity", "other"),
    [
        ("ai_system", "gates", "gate", "by"),
        ("agent", "tools", "name", "effect"),
        ("scope", "exclusions", "what", "justification"),
        ("incident", "reports", "clock", "to"),
    ],
)
def test_parts_are_told_apart_by_what_names_them(kind: str, name: str, identity: str, other: str) -> None:
    """Both changed a part, one added another: only the part that both changed alike is a conflict."""

    def content(*pairs: tuple[str, str]) -> dict[str, Any]:
        return {"kind": kind, name: [{other: value, identity: key} for key, value in pairs]}

    found = merge(content(("k", "0"), ("l", "0")), content(("n", "9"), ("k", "1"), ("l", "2")), content(("k", "0"), ("l", "3")))
    assert found.content == content(("n", "9"), ("k", "1"), ("l", "3"))
    assert found.conflicts == (Conflict(0, f"/{name}/2/{other}", "0", "2", "3"),)


def test_a_part_that_one_removed_and_the_other_changed_is_a_conflict() -> None:
    base, changed = {"tools": [{"name": "send", "effect": "sends"}]}, {"tools": [{"name": "send", "effect": "pays"}]}
    found = merge(base, changed, {"tools": []})
    assert found.content == {"tools": []}
    assert found.conflicts == (Conflict(0, "/tools", base["tools"][0], changed["tools"][0], ABSENT),)
    assert merge(base, changed, {"tools": []}, [0]).content == changed


def test_what_is_true_is_not_one() -> None:
    assert merge({"facts": {"a": 1}}, {"facts": {"a": True}}, {"facts": {"a": 1}}).content["facts"]["a"] is True  # type: ignore[index,call-overload]


@given(old=st.text(st.sampled_from("ab \n,")), new=st.text(st.sampled_from("ab \n,")))
def test_a_difference_in_words_joins_back_to_both_texts(old: str, new: str) -> None:
    found = diff_words(old, new)
    assert "".join(text for op, text in found if op != "insert") == old
    assert "".join(text for op, text in found if op != "delete") == new
    assert all(text for _, text in found)


def test_a_difference_shows_the_words_that_changed() -> None:
    assert diff_words("Only staff may see it.", "Only trained staff may see it.") == [
        ("equal", "Only "),
        ("insert", "trained "),
        ("equal", "staff may see it."),
    ]


def test_long_texts_are_told_apart_in_little_time() -> None:
    began = time.process_time()
    for old, new in [("a b " * 5000, "b a " * 5000), ("\n".join(map(str, range(9000))), "\n".join(map(str, range(9000, 0, -1))))]:
        found = diff_words(old, new)
        assert "".join(text for op, text in found if op != "insert") == old
    assert time.process_time() - began < 20
