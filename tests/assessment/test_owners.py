"""Who owes a control: whom the organisation names, and for the library's owner of the system, the owners of the systems."""

from __future__ import annotations

import pytest
import world

from kybern.assessment import Assessment, Owed, assess, gaps, owed_by, owner_of
from kybern.catalog import Catalog, Control
from kybern.records import Record

_CHECK = {"type": "evidence", "id": "e", "title": "E", "predicate": "test-run", "topic": "validation-test"}
_OWNED = ("ai_system:first", "ai_system:second")


def of_systems(role: str = "system-owner") -> Control:
    return world.control("LIF-09", "STD:5.2", layer="L3", owner_role=role, applies_to=["ai_system"], checks=[_CHECK])


def assessed(*more: Record, owners: tuple[str, ...] = ("person:ada", "role:risk-manager")) -> Assessment:
    """Assess systems that have these owners in turn, with a control that falls short on each."""
    systems = [world.system(name, owner=owner) for name, owner in zip(("first", "second", "third", "fourth"), owners, strict=False)]
    known, plain = world.records(*systems, *more), world.catalog()
    return assess(Catalog(plain.frameworks, {**plain.controls, "LIF-09": of_systems()}), known, [], world.AS_OF)


def test_what_falls_short_on_a_system_is_owed_by_its_owner() -> None:
    found = assessed()
    assert owed_by(found, of_systems(), "ai_system:first") == Owed("Ada", (("person:ada", "Ada"),))
    assert owed_by(found, of_systems(), "ai_system:second").ref == "role:risk-manager"


def test_owners_of_several_systems_are_named_each_once_and_each_finds_the_gap() -> None:
    found = assessed(owners=("person:ada", "role:risk-manager", "person:ada"))
    gap = next(one for one in gaps(found) if one.control.id == "LIF-09")
    assert {"person:ada", "role:risk-manager"} <= set(gap.owed.refs)
    assert len(set(gap.owed.refs)) == len(gap.owed.refs)
    assert gap.owner_ref is None, "there is more than one"


def test_more_owners_than_a_line_holds_are_told_by_their_role_and_still_found() -> None:
    owners = ("person:ada", "role:risk-manager", "person:eve", "person:max")
    found = owner_of(
        assessed(owners=owners).plan, of_systems(), ("ai_system:first", "ai_system:second", "ai_system:third", "ai_system:fourth")
    )
    assert (found.words, found.refs, found.named, found.nobody) == ("system owner", owners, (), False)


@pytest.mark.parametrize("first", ["role", "tag", "implementation"])
def test_whom_the_organisation_names_comes_before_the_owners_of_systems(first: str) -> None:
    held = {"responsibilities": ["r"], "holders": ["person:ada"]}
    named = {
        "role": world.record("role", "system-owner", **held),
        "tag": world.record("role", "product", tags=["system-owner"], **held),
        "implementation": world.record("control_implementation", "lif-09", control="LIF-09", how="h", owner="person:ada"),
    }[first]
    expected = "person:ada" if first == "implementation" else named.ref
    assert owed_by(assessed(named), of_systems()).ref == expected


def test_a_role_that_nobody_is_recorded_in_is_told_as_such() -> None:
    plan = assessed().plan
    assert owner_of(plan, of_systems("hr-lead"), _OWNED) == Owed("HR lead", (), nobody=True)
    assert owner_of(plan, of_systems("risk-manager")).nobody is False


def test_without_systems_to_look_at_the_role_is_named_and_nobody_is_said_to_be_missing() -> None:
    assert owner_of(assessed().plan, of_systems()) == Owed("system owner", ())


def test_so_many_systems_that_their_owners_are_not_gone_through_are_told_by_the_role() -> None:
    assert owner_of(assessed().plan, of_systems(), _OWNED * 100) == Owed("system owner", ())
