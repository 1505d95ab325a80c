"""What changed between two states of law: complete, the same both ways, and with the act that changed it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.catalog import Catalog, EntryChange, Framework, diff

DAY, NEXT = date(2026, 7, 26), date(2026, 7, 27)


def law(*entries: dict[str, object], name: str = "LAW") -> dict[str, Framework]:
    about = {"title": "A law", "edition": "1", "publisher": "P", "source": "S", "status_date": "2026-11-23", "rights": "public"}
    made = [{"kind": "article", "title": "T", "statement": "Do it.", **entry} for entry in entries]
    return {name: Framework.model_validate({"id": name, **about, "requirements": made})}


def told(changes: tuple[EntryChange, ...]) -> list[tuple[str, str]]:
    return [(change.how, change.ref) for change in changes]


def test_a_law_does_not_differ_from_itself(laws: Catalog) -> None:
    assert diff(laws.frameworks, laws.frameworks) == ()


def test_added_removed_and_changed_come_in_the_order_of_the_new_law() -> None:
    old = law({"id": "1"}, {"id": "2"}, {"id": "3"})
    new = law({"id": "3", "title": "U"}, {"id": "0"}, {"id": "1"})
    assert told(diff(old, new)) == [("changed", "LAW:3"), ("added", "LAW:0"), ("removed", "LAW:2")]


def test_a_change_tells_each_field_old_and_new() -> None:
    old = law({"id": "1", "bound": ["provider"], "penalty": "a fine", "dates": [{"since": "2026-08-02", "basis": "Article 8"}]})
    new = law(
        {
            "id": "1",
            "title": "U",
            "bound": ["provider", "deployer"],
            "normative": False,
            "dates": [{"since": "2027-12-02", "until": "2030-01-01", "basis": "Article 9"}],
        }
    )
    (change,) = diff(old, new)
    assert [(one.field, one.old, one.new, one.basis, one.is_date) for one in change.fields] == [
        ("title", "T", "U", None, False),
        ("asks", "something", "nothing", None, False),
        ("bound", "provider", "provider, deployer", None, False),
        ("penalty", "a fine", None, None, False),
        ("applies from", "2026-08-02", "2027-12-02 until 2030-01-01", "Article 9", True),
    ]
    assert change.normative


def test_two_frameworks_of_other_names_are_compared_and_many_by_their_names() -> None:
    old, new = law({"id": "1"}, name="NORM_2022"), law({"id": "1", "title": "U"}, {"id": "2"}, name="NORM_2026")
    assert told(diff(old, new)) == [("changed", "NORM_2026:1"), ("added", "NORM_2026:2")]
    assert told(diff({**old, **law({"id": "x"})}, new)) == [
        ("added", "NORM_2026:1"), ("added", "NORM_2026:2"), ("removed", "NORM_2022:1"), ("removed", "LAW:x"),
    ]  # fmt: skip


def test_an_entry_knows_those_above_it() -> None:
    old = law({"id": "1"}, {"id": "2", "parent": "1"})
    new = law({"id": "1"}, {"id": "2", "parent": "1"}, {"id": "3", "parent": "2"})
    (change,) = diff(old, new)
    assert change.above == ("LAW:2", "LAW:1")


def test_what_is_repealed_is_removed_though_it_stands_in_the_file() -> None:
    entry = {"id": "1", "normative": False, "repealed": "2026-07-27"}
    row = {"until": "2026-07-26", "by": "Act", "change": "Deleted.", "normative": True}
    framework = law({**entry, "earlier": [row]}, {"id": "2"})["LAW"]
    old, new = ({"LAW": framework.as_known(day)} for day in (DAY, NEXT))
    (change,) = diff(old, new)
    assert (change.how, change.normative, [one.act for one in change.amendments]) == ("removed", True, ["Act"])
    assert told(diff(new, old)) == [("added", "LAW:1")]
    assert diff(new, new) == ()


def test_an_amendment_that_changes_no_field_is_told() -> None:
    framework = law({"id": "1", "earlier": [{"until": "2026-07-26", "by": "Act", "change": "Worded anew."}]})["LAW"]
    (change,) = diff({"LAW": framework.as_known(DAY)}, {"LAW": framework})
    assert (change.how, change.fields) == ("changed", ())
    assert [(one.act, one.until, one.change) for one in change.amendments] == [("Act", DAY, "Worded anew.")]


@pytest.fixture(scope="module")
def amendment(laws: Catalog) -> tuple[EntryChange, ...]:
    act = laws.frameworks["EU_AI_ACT"]
    return diff({act.id: act.as_known(DAY)}, {act.id: act.as_known(NEXT)}, (DAY, NEXT))


def test_the_ai_act_before_and_after_its_amendment(amendment: tuple[EntryChange, ...]) -> None:
    count = {how: sum(change.how == how for change in amendment) for how in ("added", "removed", "changed")}
    assert (count["added"], count["removed"]) == (26, 3)
    acts = {one.act for change in amendment for one in change.amendments}
    assert acts == {"Regulation (EU) 2026/1744"}
    by_ref = {change.ref.partition(":")[2]: change for change in amendment}
    assert [(one.field, one.old, one.new, one.basis) for one in by_ref["Art.9(1)"].fields] == [
        ("applies from (annex-iii)", "2026-08-02", "2027-12-02", "Article 113(c)(i)"),
        ("applies from (annex-i)", "2027-08-02", "2028-08-02", "Article 113(c)(ii)"),
    ]
    assert [(one.new, one.basis) for one in by_ref["Art.5(1)(ba)"].fields] == [("2026-12-02", "Article 113(a)")]
    assert "Art.50(2)" not in by_ref
    assert all(change.fields or change.amendments for change in amendment)


def test_every_amended_entry_is_told_with_a_sentence_and_no_other(laws: Catalog, amendment: tuple[EntryChange, ...]) -> None:
    amended = {f"EU_AI_ACT:{entry.id}" for entry in laws.frameworks["EU_AI_ACT"].requirements if entry.earlier}
    assert {change.ref for change in amendment if change.amendments} == amended


IDS = st.lists(st.sampled_from("abcdef"), unique=True, min_size=1)


@given(IDS, IDS, st.sets(st.sampled_from("abcdef")))
def test_a_difference_read_backwards_is_the_difference_the_other_way(one: list[str], other: list[str], retitled: set[str]) -> None:
    old = law(*({"id": name} for name in one))
    new = law(*({"id": name, "title": "U" if name in retitled else "T"} for name in other))
    there, back = ({change.ref: change for change in diff(*sides)} for sides in ((old, new), (new, old)))
    assert there.keys() == back.keys()
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    for ref, change in there.items():
        assert back[ref].how == turned[change.how]
        assert [(f.field, f.new, f.old) for f in back[ref].fields if not f.is_date] == [
            (f.field, f.old, f.new) for f in change.fields if not f.is_date
        ]
    assert {ref.partition(":")[2] for ref in there} == (set(one) ^ set(other)) | (retitled & set(one) & set(other))
