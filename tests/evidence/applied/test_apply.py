"""Plan and apply: what was applied is what the log gives back, at every moment, whole or not at all, and one of two wins."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from applied_world import ANNA, KEYRING, START, Stop, World, contents, names, records, stop_at

from kybern.evidence import Keyring, Refused
from kybern.evidence.applied import Applier, audit_records, blame, fields_of, history
from kybern.evidence.log import FolderView, audit, read_leaf

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from(["One.", "Two.", "Ümläut\n\u2028line", "\x7f"]),
        "tags": st.sampled_from([(), ("a",), ("a", "b")]),
    },
)
FACTS = st.dictionaries(st.sampled_from(["role:chair", "role:owner", "person:p1", "person:p2"]), FIELDS, max_size=4)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.at(tmp_path)


@contextmanager
def fresh() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        found = World.at(Path(folder))
        yield found
        found.log.journal.close()


@settings(max_examples=12, deadline=None)
@given(st.lists(FACTS, min_size=1, max_size=5))
def test_replaying_all_change_sets_gives_every_state_and_history_agrees_with_it(states: list[dict[str, dict[str, object]]]) -> None:
    with fresh() as world:
        known: list[tuple[int, dict[str, dict[str, object]]]] = []
        for facts in states:
            found = world.plan(facts)
            before = known[-1][1] if known else {}
            after = contents(facts)
            assert {step.ref for step in found.steps} == {ref for ref in before | after if before.get(ref) != after.get(ref)}
            if found.steps:
                indices = world.apply(found)
                assert indices == list(range(world.log.journal.size - len(found.steps), world.log.journal.size))
                known.append((indices[-1], after))
            assert world.plan(facts).steps == ()
            assert world.facts() == after
        for index, after in known:
            assert world.facts(world.applied.after(index)) == after
        _history_agrees(world, known)
        assert audit_records(world.applied, world.reader, KEYRING).findings == []
        assert audit(world.log).holds


def _history_agrees(world: World, known: list[tuple[int, dict[str, dict[str, object]]]]) -> None:
    """Hold history and blame against what is known of every state."""
    for ref in ("role:chair", "role:owner", "person:p1", "person:p2"):
        told = history(world.applied, world.reader, KEYRING, ref)
        steps = [{}, *(after for _, after in known)]
        changed = [new.get(ref) for old, new in pairwise(steps) if old.get(ref) != new.get(ref)]
        assert [one.act == "removed" for one in told] == [content is None for content in changed]
        assert all(one.doubt == "" and one.said is not None and one.said.by == "person:anna" for one in told)
        last = known[-1][1].get(ref) if known else None
        blamed = {one.path: one for one in blame(told, world.reader)}
        assert {path: one.value for path, one in blamed.items()} == fields_of(last)
        for path, one in blamed.items():
            since = _since(known, ref, path)
            assert one.told is not None
            assert since[0] < one.told.version.index <= since[1]


def _since(known: list[tuple[int, dict[str, dict[str, object]]]], ref: str, path: str) -> tuple[int, int]:
    """Find by brute force which change set gave a field the value it has: after which index, up to which."""
    ends = [-1, *(index for index, _ in known)]
    values = [fields_of(after.get(ref)).get(path) if ref in after else None for _, after in known]
    there = [path in fields_of(after.get(ref)) for _, after in known]
    number = len(known) - 1
    while number > 0 and there[number - 1] and values[number - 1] == values[number]:
        number -= 1
    return ends[number], ends[number + 1]


def test_a_state_is_asked_for_by_moment_and_changes_are_told_field_by_field(world: World) -> None:
    world.apply({"role:chair": {"description": "One."}})
    first = world.moment
    found = world.plan({"role:chair": {"description": "Two."}, "person:p1": {}})
    assert found.counts == {"added": 1, "changed": 1, "removed": 0}
    fields = {step.ref: found.fields(step) for step in found.steps}
    assert [(one.path, one.old, one.new) for one in fields["role:chair"]] == [("/description", "One.", "Two.")]
    assert ("/title", None, "p1") in [(one.path, one.old, one.new) for one in fields["person:p1"]]
    world.apply(found)
    assert world.facts(world.applied.at(first)) == contents({"role:chair": {"description": "One."}})
    assert world.applied.at(START).versions == {}
    assert names(world.applied.of("role:chair")) == ["role:chair"] * 2


def test_the_published_folder_tells_the_same_as_the_journal(world: World) -> None:
    world.apply({"role:chair": {}, "person:p1": {}})
    world.apply({"role:chair": {"description": "Two."}})
    view = FolderView(world.root / "log", world.log.verifier)
    assert view.entries("record") == [(one.index, one.leaf) for one in world.applied.all]
    assert view.size == 4
    assert view.root(4) == world.log.head().checkpoint.root
    assert view.root(2) == world.log.tree_at(2).root()
    assert [view.taken_in_by(one.leaf.at) for one in world.applied.all] == [2, 2, 4, 4]
    assert view.taken_in_by(START) == 0


def test_nothing_to_apply_is_said(world: World) -> None:
    world.apply({"role:chair": {}})
    with pytest.raises(Refused, match="nothing-to-apply"):
        world.apply({"role:chair": {}})


def test_of_two_plans_on_one_state_the_second_is_refused_and_told_what_came_first(world: World) -> None:
    other = world.again()
    mine, others = world.plan({"role:chair": {}}), other.plan({"role:owner": {}})
    world.apply(mine)
    with pytest.raises(Refused, match=r"person:anna applied role:chair; plan again \[moved-on\]"):
        other.apply(others)
    assert world.facts() == contents({"role:chair": {}})
    assert len(world.reader.store.names()) == 1


def test_of_many_at_once_one_wins(world: World) -> None:
    plans = [world.plan({f"role:r{number}": {}}) for number in range(8)]
    won: list[int] = []
    refused: list[str] = []

    def apply(number: int) -> None:
        applier = Applier(world.log, world.reader, ANNA, "person:anna")
        try:
            applier.apply(plans[number], "Race.", START)
            won.append(number)
        except Refused as reason:
            refused.append(reason.rule)

    threads = [threading.Thread(target=apply, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert refused == ["moved-on"] * 7
    assert world.facts() == contents({f"role:r{won[0]}": {}})


@pytest.mark.parametrize("step", range(1, 60, 2))
def test_an_apply_that_ends_at_any_step_is_there_whole_or_not_at_all(world: World, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    world.apply({"role:chair": {}, "person:p1": {}})
    wanted = {"role:chair": {"description": "Two."}, "person:p2": {"description": "Secret."}, "role:owner": {}}
    found = world.plan(wanted)
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        with suppress(Stop):
            world.apply(found)
    again = world.again()
    before, after = contents({"role:chair": {}, "person:p1": {}}), contents(wanted)
    assert again.facts() in (before, after)
    assert audit_records(again.applied, again.reader, KEYRING).findings == []
    if again.facts() == before:
        again.apply(wanted)
    again.log.publish(again.moment)
    assert again.facts() == after
    assert audit(again.log).holds


def test_an_audit_finds_a_content_that_was_changed(world: World) -> None:
    world.apply({"role:chair": {"description": "One."}})
    path = world.reader.store.path(world.applied.all[0].leaf.change)
    path.write_bytes(path.read_bytes().replace(b"One.", b"Two."))
    found = audit_records(world.applied, world.reader, KEYRING)
    assert [one.rule for one in found.findings] == ["bad-content"]


def test_an_audit_finds_a_change_set_that_is_gone_or_is_signed_by_nobody_known(world: World) -> None:
    world.apply({"role:chair": {}})
    store = world.reader.store
    name = world.applied.all[0].leaf.change
    assert [one.rule for one in audit_records(world.applied, world.reader, type(KEYRING)()).findings] == ["unknown-key"]
    store.path(name).unlink()
    assert {one.rule for one in audit_records(world.applied, world.reader, KEYRING).findings} == {"no-change-file"}


def test_a_change_set_that_came_in_after_its_key_was_revoked_is_vouched_for_by_nobody(world: World) -> None:
    world.apply({"role:chair": {}})
    (anna,) = KEYRING
    for revoked_on, rules in ((world.moment + timedelta(seconds=1), []), (world.moment, ["key-revoked"])):
        keyring = Keyring((anna.model_copy(update={"revoked_on": revoked_on, "revoked_because": "Lost."}),))
        assert [one.rule for one in audit_records(world.applied, world.reader, keyring).findings] == rules
    backdated = world.again()
    backdated.moment = START - timedelta(minutes=30)  # signs half an hour before the log was made, to be told by the log's time
    backdated.apply({"role:owner": {}})
    keyring = Keyring(
        (anna.model_copy(update={"valid_from": START - timedelta(days=1), "revoked_on": world.moment, "revoked_because": "Lost."}),)
    )
    (told,) = history(backdated.applied, backdated.reader, keyring, "role:owner")
    assert told.said is not None
    assert told.said.at < world.moment
    assert "was revoked when the log took it in" in told.doubt


def test_the_leaf_of_a_person_depends_on_the_content_through_the_commitment_only(tmp_path: Path) -> None:
    leaves = []
    for name in ("a", "b"):
        world = World.at(tmp_path / name)
        world.apply({"person:p1": {"email": f"{name}@example.org"}})
        leaf = read_leaf(world.log.journal.leaf(0) or b"")
        assert leaf.digest == leaf.statement == leaf.envelope == ""
        leaves.append((leaf.ref, leaf.source, leaf.seq, leaf.at))
        assert records({"person:p1": {"email": f"{name}@example.org"}})[0].digest.encode() not in b"".join(
            path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()
        )
    assert leaves[0] == leaves[1]
