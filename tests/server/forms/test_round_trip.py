"""What a record states goes through its form and comes back the same, whatever kind it is; and no posting breaks the reader."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kind_strategies import KINDS, LETTERS, contents, said, sent

from kybern.base import InputError
from kybern.records import Record
from kybern.server.forms import Form, apply_row_action, check, draft_of, form_of, read_posted, values_of

_SLOW = settings(max_examples=8, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@_SLOW
def test_an_untouched_form_gives_the_record_back(kind: str, data: st.DataObject) -> None:
    content = data.draw(contents(kind))
    form = form_of(kind)
    read = read_posted(form, sent(values_of(form, content)))
    assert read == said(content)
    record, problems = check(kind, read)
    assert problems == {}
    assert record == Record.registry[kind].model_validate(said(content))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@_SLOW
def test_shown_again_a_form_sends_the_same(kind: str, data: st.DataObject) -> None:
    form = form_of(kind)
    first = sent(values_of(form, data.draw(contents(kind))))
    draft = draft_of(form, first)
    assert draft.problems == {}
    assert sent(values_of(form, draft.content, spare=draft.spare)) == first


_ODD = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ("0", "-1", "1e999", "9" * 500, "P9D", "true", "[", "{a: *b}", "&a [*a]", "\x00", "\ud800", "\x85", "2026-02-30", ": ", "!!x y")
    ),
)


@st.composite
def _hostile(draw: Any, kind: str) -> dict[str, list[str]]:
    """Post names of the form's own, of rows that are not there, and of nothing; values of any text."""
    names = [one.name for one in values_of(form_of(kind), {}).walk()]
    steps = st.sampled_from(("0", "1", "7", "00", "-1", "999999", "9999999", "name", "value", "_none", "_row", "", "x", "gate"))
    name = st.tuples(st.sampled_from([*names, "_add", "", ".", "..."]), st.lists(steps, max_size=4)).map(
        lambda pair: ".".join((pair[0], *pair[1]))
    )
    return draw(st.dictionaries(st.one_of(name, st.text(LETTERS, max_size=9)), st.lists(_ODD, max_size=3), max_size=25))  # type: ignore[no-any-return]


def _refused(form: Form, posted: dict[str, list[str]]) -> list[str]:
    try:
        read_posted(form, posted)
    except InputError as error:
        return [problem.place.pointer for problem in error.problems]
    return []


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@_SLOW
def test_whatever_is_posted_is_read_or_refused_with_pointers(kind: str, data: st.DataObject) -> None:
    posted = data.draw(_hostile(kind))
    form = form_of(kind)
    for action in ("_add", "_remove", "_up", "_down"):
        apply_row_action({**posted, action: [data.draw(st.sampled_from([*posted, "", "users.0", "x.y"]))]})
    draft = draft_of(form, posted)
    bound = values_of(form, draft.content, draft.problems, draft.spare)
    assert sum(map(len, draft.problems.values())) == len(bound.faults)
    pointers = _refused(form, posted)
    assert {pointer.split("/")[1] for pointer in pointers} <= {one.name for one in form.fields}
    if pointers:
        return
    content = read_posted(form, posted)
    assert content == draft.content
    check(kind, content, lambda _: False)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@_SLOW
def test_no_word_that_was_posted_is_lost_when_the_form_is_shown_again(kind: str, data: st.DataObject) -> None:
    """A field of any type may hold any words: they are told of, and stay."""
    form = form_of(kind)
    words = st.text(st.sampled_from("abcxyz"), min_size=3, max_size=9)
    names = [one.name for one in values_of(form, {}).walk() if not one.field.inner and not one.options]
    posted = data.draw(st.dictionaries(st.sampled_from(names), st.lists(words, min_size=1, max_size=1), max_size=12))
    draft = draft_of(form, posted)
    _, problems = check(kind, draft.content)
    shown = sent(values_of(form, draft.content, {**draft.problems, **problems}, draft.spare))
    assert {word for values in posted.values() for word in values} <= {word for values in shown.values() for word in values}
