"""The algebra of relations against sets by brute force, and crosswalks read either way and through a hub."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.catalog import Catalog, Confidence, Crosswalk, CrosswalkRow, Framework, Reach, Relation, Requirement, crosswalk
from kybern.catalog._crosswalk import CARRYING, composed, inverted, together

SETS = [frozenset(some) for size in range(1, 5) for some in combinations(range(4), size)]
HOLDS = {
    Relation.EQUAL: lambda a, b: a == b,
    Relation.SUBSET: lambda a, b: a <= b,
    Relation.SUPERSET: lambda a, b: a >= b,
    Relation.INTERSECTS: lambda a, b: bool(a & b),
}
STRENGTH = [Relation.EQUAL, Relation.SUBSET, Relation.SUPERSET, Relation.INTERSECTS]


def strongest(cases: list[tuple[frozenset[int], frozenset[int]]]) -> Relation | None:
    """The strongest relation that holds in every case."""
    return next((one for one in STRENGTH if all(HOLDS[one](a, b) for a, b in cases)), None)


@pytest.mark.parametrize(("first", "second"), list(product(Relation, Relation)))
def test_composing_says_the_strongest_that_is_certain(first: Relation, second: Relation) -> None:
    cases = [(a, b) for a, hub, b in product(SETS, SETS, SETS) if HOLDS[first](a, hub) and HOLDS[second](hub, b)]
    assert cases
    assert composed(first, second) is strongest(cases)


@pytest.mark.parametrize("first", Relation)
def test_what_is_unproven_stays_unproven(first: Relation) -> None:
    assert composed(first, None) is composed(None, first) is composed(None, None) is None


@pytest.mark.parametrize("relation", Relation)
def test_inverting_is_reading_from_the_other_side(relation: Relation) -> None:
    cases = [(b, a) for a, b in product(SETS, SETS) if HOLDS[relation](a, b)]
    assert inverted(relation) is strongest(cases)
    assert inverted(inverted(relation)) is relation
    assert inverted(None) is None


@given(st.sets(st.sampled_from(Relation)))
def test_relations_that_hold_at_once_say_the_strongest_that_is_certain(relations: set[Relation]) -> None:
    cases = [(a, b) for a, b in product(SETS, SETS) if all(HOLDS[one](a, b) for one in relations)]
    assert together(relations) is together([*relations, None]) is strongest(cases)


def test_only_what_includes_the_target_carries() -> None:
    """If the source is done whole, so is the target: exactly then."""
    for relation in Relation:
        cases = [(a, b) for a, b in product(SETS, SETS) if HOLDS[relation](a, b)]
        assert (relation in CARRYING) == all(b <= a for a, b in cases)


@given(*[st.sampled_from(Relation)] * 3)
def test_composing_does_not_depend_on_where_one_begins(a: Relation, b: Relation, c: Relation) -> None:
    left, right = composed(composed(a, b), c), composed(a, composed(b, c))
    assert left is right or None in (left, right)


# --- crosswalks ------------------------------------------------------------------------------------------------------------------


def law(name: str, *ids: str) -> Framework:
    """A framework of entries `1`, `1.1` below it, and so on; an entry with a `!` asks nothing."""
    entries = [
        Requirement(
            id=one.rstrip("!"),
            parent=one.rstrip("!").rpartition(".")[0] or None,
            kind="rule",
            title=one,
            statement=one,
            normative="!" not in one,
        )
        for one in ids
    ]
    about = {"title": name, "edition": "1", "publisher": "p", "source": "s", "status_date": "2026-11-23", "rights": "r"}
    return Framework.model_validate({"id": name, **about, "requirements": entries})


def rows(source: str, target: str, *said: tuple[str, str, str, str], name: str = "w") -> Crosswalk:
    found = [
        CrosswalkRow(source=f"{source}:{a}", target=f"{target}:{b}", relation=Relation(how), confidence=Confidence(sure), basis="read")
        for a, b, how, sure in said
    ]
    about = {"id": name, "source_framework": source, "target_framework": target, "status_date": "2026-11-23"}
    return Crosswalk.model_validate({**about, "bases": {"read": "We read both."}, "rows": found})


LAWS = {one.id: one for one in (law("A", "1", "2", "3"), law("HUB", "1", "2", "3"), law("B", "1", "1.1", "1.2", "2", "3", "3.1!", "4"))}


def catalog(*walks: Crosswalk) -> Catalog:
    return Catalog(LAWS, {}, walks)


def said(found: Catalog, source: str, target: str, via: str | None = None) -> list[tuple[str, str, str, str]]:
    pairs = crosswalk(found, source, target, via=via).pairs
    return [(one.source.partition(":")[2], one.target.partition(":")[2], one.words, one.confidence.value) for one in pairs]


def test_rows_are_read_in_either_direction() -> None:
    found = catalog(rows("A", "B", ("2", "1.1", "subset", "high"), ("1", "2", "intersects", "low"), ("1", "3", "superset", "medium")))
    assert said(found, "A", "B") == [("1", "2", "intersects", "low"), ("1", "3", "superset", "medium"), ("2", "1.1", "subset", "high")]
    assert said(found, "B", "A") == [("1.1", "2", "superset", "high"), ("2", "1", "intersects", "low"), ("3", "1", "subset", "medium")]


def test_without_rows_it_goes_through_a_hub_and_says_what_is_sure() -> None:
    found = catalog(
        rows("HUB", "A", ("1", "1", "subset", "high"), ("2", "2", "intersects", "high")),
        rows("HUB", "B", ("1", "1.1", "superset", "medium"), ("2", "2", "intersects", "high"), ("1", "3", "subset", "high"), name="v"),
    )
    assert said(found, "A", "B") == [
        ("1", "1.1", "superset", "medium"),
        ("1", "3", "intersects", "high"),
        ("2", "2", "related, unproven", "high"),
    ]
    crossing = crosswalk(found, "A", "B")
    assert crossing.hubs == ("HUB",)
    assert crossing.pairs[0].via == ("HUB:1",)


def test_two_ways_through_the_hub_can_prove_more_than_either() -> None:
    found = catalog(
        rows("A", "HUB", ("1", "1", "subset", "high"), ("1", "2", "superset", "low"), ("1", "3", "intersects", "high")),
        rows("HUB", "B", ("1", "2", "equal", "medium"), ("2", "2", "equal", "high"), ("3", "2", "intersects", "high"), name="v"),
    )
    assert said(found, "A", "B") == [("1", "2", "equal", "low")]
    (pair,) = crosswalk(found, "A", "B").pairs
    assert not pair.carries, "a row that nobody is sure of carries nothing"


def test_rows_between_the_two_come_before_a_hub_unless_it_is_named() -> None:
    found = catalog(
        rows("A", "B", ("1", "2", "subset", "high")),
        rows("A", "HUB", ("3", "3", "equal", "high"), name="v"),
        rows("HUB", "B", ("3", "4", "equal", "high"), name="u"),
    )
    assert said(found, "A", "B") == [("1", "2", "subset", "high")]
    assert said(found, "A", "B", via="HUB") == [("3", "4", "equal", "high")]


def test_frameworks_that_nothing_joins_have_no_pairs() -> None:
    found = crosswalk(catalog(rows("A", "HUB", ("1", "1", "equal", "high"))), "A", "B")
    assert (found.pairs, found.hubs, found.share(Reach.NONE)) == ((), (), 1.0)


@pytest.mark.parametrize("names", [("A", "X"), ("X", "A")])
def test_a_framework_that_is_not_there_is_a_key_error(names: tuple[str, str]) -> None:
    with pytest.raises(KeyError):
        crosswalk(catalog(), *names)


def reaches(*said_: tuple[str, str, str, str]) -> dict[str, str]:
    return {one.ref.partition(":")[2]: one.reach.value for one in crosswalk(catalog(rows("A", "B", *said_)), "A", "B").coverage}


def test_coverage_is_over_what_the_target_really_asks() -> None:
    assert reaches() == dict.fromkeys(["1.1", "1.2", "2", "3", "4"], "uncovered")
    assert reaches(("1", "2", "superset", "high"), ("1", "4", "subset", "high")) == {
        "1.1": "uncovered",
        "1.2": "uncovered",
        "2": "carried",
        "3": "uncovered",
        "4": "may serve",
    }


def test_a_group_is_handed_down_whole_or_not_at_all() -> None:
    assert reaches(("1", "1", "superset", "high")) | {} == {**reaches(), "1.1": "carried", "1.2": "carried"}
    assert reaches(("1", "1", "intersects", "high")) == {**reaches(), "1.1": "unproven", "1.2": "unproven"}


def test_a_part_that_asks_nothing_serves_its_whole_and_never_carries_it() -> None:
    assert reaches(("1", "3.1", "equal", "high")) == {**reaches(), "3": "may serve"}


def test_a_low_row_may_serve_and_never_carries() -> None:
    assert reaches(("1", "2", "equal", "low"))["2"] == "may serve"


def test_the_best_pair_of_an_entry_comes_first() -> None:
    found = crosswalk(catalog(rows("A", "B", ("1", "2", "intersects", "high"), ("2", "2", "equal", "medium"))), "A", "B")
    two = next(one for one in found.coverage if one.ref == "B:2")
    assert ([pair.source for pair in two.pairs], two.confidence) == (["A:2", "A:1"], Confidence.MEDIUM)
    assert (found.count(Reach.CARRIED), found.share(Reach.CARRIED)) == (1, 0.2)


@given(
    st.lists(
        st.tuples(st.sampled_from("123"), st.sampled_from(["1", "1.1", "2", "3"]), st.sampled_from(Relation), st.sampled_from(Confidence)),
        max_size=8,
        unique_by=lambda row: row[:2],
    )
)
def test_coverage_never_says_more_than_sets_would(said_: list[tuple[str, str, Relation, Confidence]]) -> None:
    """Carried entries lie within the source in every world where the rows hold; the world here is made to fit the rows."""
    found = crosswalk(catalog(rows("A", "B", *((a, b, how.value, sure.value) for a, b, how, sure in said_))), "A", "B")
    for one in found.coverage:
        for pair in one.pairs:
            assert pair.target == one.ref
        if one.reach is Reach.CARRIED:
            inclusive = {(b, how) for _, b, how, sure in said_ if sure is not Confidence.LOW and how in CARRYING}
            names = {one.ref.partition(":")[2], one.ref.partition(":")[2].rpartition(".")[0]}
            assert names & {b for b, _ in inclusive}
    assert sum(found.count(reach) for reach in Reach) == len(found.coverage)
    back = crosswalk(found.catalog, "B", "A")
    assert {(p.target, p.source, inverted(p.relation)) for p in back.pairs} == {(p.source, p.target, p.relation) for p in found.pairs}
