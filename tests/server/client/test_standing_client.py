"""The assessment, what binds and the catalog by the client against the real server."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from server_world import PROJECT_SYSTEM

from kybern.client import Denied, NotFound, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


def test_the_assessment_and_its_requirements_say_the_same(asked_by: Callable[..., Any]) -> None:
    client = asked_by("viewer")
    whole = client.assessment()
    asked = [one for one in whole.frameworks if one.asked]
    assert asked
    name = asked[0].framework
    listed = list(client.requirements(name, page_size=17))
    assert len({one.ref for one in listed}) == len(listed)
    counted = Counter(one.score.status for one in listed if not one.parts)
    assert counted == {status: count for status, count in asked[0].counts.items() if count}
    verified = next(iter(counted))
    assert {one.ref for one in client.requirements(name, status=verified)} == {
        one.ref for one in listed if not one.parts and one.score.status == verified
    }


def test_a_requirement_comes_with_its_reasons(asked_by: Callable[..., Any]) -> None:
    client = asked_by("viewer")
    ref = next(one.ref for one in client.requirements() if not one.parts and one.owners)
    flat, deep = client.requirement(ref, depth=0), client.requirement(ref, depth=3)
    assert (flat.ref, flat.score) == (ref, deep.score)
    assert flat.reasons.children == ()
    assert flat.reasons.left_out == len(deep.reasons.children) + deep.reasons.left_out
    assert deep.reasons.children
    assert deep.gaps
    with pytest.raises(NotFound):
        client.requirement("ISO42001:no/such thing?")


def test_gaps_go_on_by_page_and_are_narrowed_by_owner(asked_by: Callable[..., Any]) -> None:
    client = asked_by("viewer")
    every = list(client.gaps(page_size=9))
    assert [one.control for one in every] == [one.control for one in client.gaps()]
    assert all(one.missing for one in every)
    owner = next(one.owner_ref for one in every if one.owner_ref)
    first = client.control_assessment(every[0].control, depth=1)
    assert (first.control, first.title, first.owner) == (every[0].control, every[0].title, every[0].owner)
    assert first.reasons.children
    assert [one.control for one in client.gaps(owner=owner)] == [one.control for one in every if owner in {*one.owner_refs, one.owner}]


def test_one_ai_system_is_asked_about_by_who_sees_only_that(asked_by: Callable[..., Any]) -> None:
    client = asked_by("project-engineer")
    found = client.system_assessment(PROJECT_SYSTEM)
    assert found.ref == PROJECT_SYSTEM
    assert any(one.asked for one in found.frameworks)
    assert list(client.gaps(subject=PROJECT_SYSTEM))
    with pytest.raises(Denied):
        client.assessment()
    with pytest.raises(NotFound):
        client.system_assessment("ai_system:hiring-screener")


def test_what_binds_and_what_may(asked_by: Callable[..., Any]) -> None:
    client = asked_by("viewer")
    bindings = list(client.obligations(PROJECT_SYSTEM, page_size=11))
    assert len(bindings) > 11
    assert {one.subject for one in bindings} == {PROJECT_SYSTEM}
    assert all(one.statement for one in bindings)
    whole = client.unsettled(PROJECT_SYSTEM)
    assert all(one.facts for one in whole)
    assert {one.subject for one in whole} <= {PROJECT_SYSTEM}


def test_a_trace_leads_both_ways(asked_by: Callable[..., Any]) -> None:
    client = asked_by("viewer")
    down = client.trace(PROJECT_SYSTEM, depth=1)
    up = client.trace(PROJECT_SYSTEM, direction="up", depth=1)
    assert down.ref == up.ref == PROJECT_SYSTEM
    assert down.children
    assert down.children != up.children


def test_the_catalog(asked_by: Callable[..., Any]) -> None:
    client = asked_by("viewer")
    frameworks = {one.id: one for one in client.frameworks()}
    iso = client.framework("ISO42001")
    assert frameworks["ISO42001"].title == iso.title
    assert iso.entries
    answer = next(one for entry in iso.entries for one in entry.controls)
    control = client.control(answer.control)
    assert answer in control.satisfies
    assert control.id in {one.id for one in client.controls("ISO42001", page_size=30)}
    crosswalk = client.crosswalks()[0]
    pairs = list(client.crosswalk(crosswalk.source, crosswalk.target, page_size=500))
    assert len(pairs) >= crosswalk.rows > 0
    with pytest.raises(NotFound):
        client.framework("NO_SUCH")


def test_a_cursor_that_no_list_gave(asked_by: Callable[..., Any]) -> None:
    from kybern.client._exchange import following
    from kybern.client._standing import gaps

    with pytest.raises(Unusable) as error:
        asked_by("viewer").send(following(gaps(), "nonsense"))
    assert error.value.slug == "bad-cursor"
    assert error.value.problems == ()
