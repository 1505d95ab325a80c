"""Erasure: what was kept of a person cannot be read any more, the log stands, and a crash at any step never makes a receipt lie."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from applied_world import ANNA, KEYRING, SIGNER, START, Stop, World, contents, seeded, stop_at

from kybern.base import canonical_json
from kybern.evidence import (
    FOLDER,
    PREDICATES,
    VAULT,
    Erased,
    Read,
    Refused,
    Sealed,
    Subject,
    Vault,
    open_stored,
    parse_predicate,
    parse_sealed,
    protect,
    read_evidence,
    reseal,
    sign,
    statement,
)
from kybern.evidence.applied import audit_records
from kybern.evidence.erasure import Eraser, Receipt, Wish, audit_erasures, read_receipt, receipt, receipts
from kybern.evidence.log import JournalView, Log, audit, protected_entry

WISH = Wish("data-subject", "GDPR Art. 17(1)(a)", "Request of 26 November")
FACTS = {"person:p1": {"email": "secret@example.org"}, "person:p2": {"email": "kept@example.org"}, "role:chair": {}}


def envelope(text: str) -> bytes:
    body = {
        "topic": "oversight",
        "observed_at": (START + timedelta(hours=1)).isoformat(),
        "collector": {"name": "kybern", "version": "1"},
        "statement": text,
        "holds": True,
        "by": "person:anna",
    }
    kind = next(kind for kind in PREDICATES if kind.value == "attestation")
    return sign(statement(parse_predicate(PREDICATES[kind], body), [Subject("role:chair", "c" * 64)]), ANNA)


class Place:
    """A workspace with personal evidence and records in its log."""

    def __init__(self, root: Path) -> None:
        self.world = World.at(root)
        self.root = root
        self.paths = [protect(root / FOLDER, envelope(f"{name} was ill."), self.world.vault, f"person:{name}") for name in ("p1", "p2")]
        for path in self.paths:
            sealed = parse_sealed(path.read_bytes())
            self.world.log.append([protected_entry(sealed.commitments[-1])], START)
        self.world.apply(FACTS)
        self.secret = next((root / VAULT).glob(f"{self.world.vault.subjects()['person:p1']}.key")).read_bytes()

    @classmethod
    def copied(cls, there: Place, root: Path) -> Place:
        """Copy what a closed place has on disk."""
        shutil.copytree(there.root, root)
        return there.opened(root)

    def opened(self, root: Path) -> Place:
        """Open a place as another process does."""
        found = Place.__new__(Place)
        found.world, found.root, found.secret = World(root, Log.open(root / "log", root / "journal.db", SIGNER)), root, self.secret
        found.world.moment = self.world.moment
        return found

    @property
    def eraser(self) -> Eraser:
        return Eraser(self.root, self.world.log)

    def read(self) -> Read:
        return read_evidence(self.root / FOLDER, KEYRING, self.root)

    def order(self) -> str:
        return self.eraser.order("person:p1", WISH, ANNA, "person:anna", self.world.moment)

    def erase(self) -> None:
        self.eraser.carry_out(self.order(), self.world.moment)

    def receipts(self) -> int:
        return len(JournalView(self.world.log).entries("erasure"))

    def audited(self) -> list[str]:
        """Audit everything; give the rules of what was found."""
        world = World(self.root, self.world.log)
        parts = (audit_records(world.applied, world.reader, KEYRING), audit_erasures(self.root, JournalView(world.log), KEYRING))
        assert audit(world.log).holds
        return [finding.rule for part in parts for finding in part.findings]

    def readable(self) -> bool:
        """Tell whether anything kept of the person can still be opened by somebody who reads every file."""
        key = json.loads(self.secret)["key"].encode()
        if any(key in path.read_bytes() for path in self.root.rglob("*") if path.is_file()):
            return True
        return any(b"secret@" in path.read_bytes() for path in self.root.rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_sealed_is_read_where_the_key_is_and_counts_as_evidence(place: Place) -> None:
    read = place.read()
    assert (len(read.accepted), read.refused) == (2, ())
    assert {piece.body["statement"] for piece in read.accepted} == {"p1 was ill.", "p2 was ill."}
    assert all(b"was ill" not in path.read_bytes() for path in place.root.rglob("*") if path.is_file())
    for name in (place.root / VAULT).glob("*.key"):
        assert name.stat().st_mode & 0o777 == 0o600


def test_after_an_erasure_the_piece_is_absent_with_a_reason_and_everything_else_stands(place: Place) -> None:
    assert place.audited() == []
    place.erase()
    assert not place.readable()
    read = place.read()
    assert [piece.body["statement"] for piece in read.accepted] == ["p2 was ill."]
    assert [(one.rule, one.message) for one in read.refused] == [
        ("erased", "erased on 2026-11-23 (GDPR Art. 17(1)(a)); its commitment stands")
    ]
    world = World(place.root, place.world.log)
    found = world.reader.contents(world.applied.now())
    assert [(one.ref, one.rule) for one in found.unread] == [("person:p1", "erased")]
    assert {record.ref for record in found.records} == {"person:p2", "role:chair"}
    assert place.audited() == []
    parts = audit_erasures(place.root, JournalView(place.world.log), KEYRING)
    assert parts.held == ("2 entries erased, commitment intact, by 1 signed receipt in the log.",)


def test_the_receipt_says_who_asked_and_which_entries_and_never_whom(place: Place) -> None:
    place.erase()
    (found,) = receipts(place.root, place.world.log)
    said = read_receipt(base64.b64decode(json.loads(found.envelope)["payload"]))
    assert (said.by, said.asked_by, said.ground, said.reason) == ("person:anna", WISH.asked_by, WISH.ground, WISH.reason)
    assert [one.index for one in said.entries] == [0, 2]
    assert b"p1" not in base64.b64decode(json.loads(found.envelope)["payload"])
    assert found.entries == (5, 0, 2)


@pytest.mark.parametrize("words", ["For p1", "p1's wish", "as P1 asked"])
def test_a_reason_that_names_the_person_is_refused(place: Place, words: str) -> None:
    with pytest.raises(Refused, match="names-the-subject"):
        place.eraser.order("person:p1", Wish("controller", "Law", words), ANNA, "person:anna", START)
    assert place.eraser.orders() == []


def test_nobody_signs_their_own_erasure_and_a_stranger_has_none(place: Place) -> None:
    with pytest.raises(Refused, match="own-erasure"):
        place.eraser.order("person:p1", WISH, ANNA, "person:p1", START)
    with pytest.raises(Refused, match="unknown-subject"):
        place.eraser.order("person:p3", WISH, ANNA, "person:anna", START)


def test_an_order_alone_ends_reading_and_the_audit_says_it_is_half_done(place: Place) -> None:
    place.order()
    assert [one.rule for one in place.read().refused] == ["sealed"]
    assert place.audited() == ["half-done"]


def test_an_erasure_that_ends_at_any_step_is_taken_up_and_no_receipt_ever_lies(tmp_path: Path) -> None:
    ended, step = 0, 0
    prepared = Place(tmp_path / "prepared")
    prepared.world.log.journal.close()
    while True:
        step += 1
        place = Place.copied(prepared, tmp_path / str(step))
        with pytest.MonkeyPatch.context() as patch:
            counted = stop_at(patch, step)
            with suppress(Stop):
                place.erase()
        if counted[0] < step:
            break
        ended += 1
        if place.receipts():
            assert not place.readable(), f"step {step}: a receipt stands, and the content can be read"
        place.world.log.journal.close()
        again = place.opened(place.root)
        for name in again.eraser.orders():
            assert not any(one.body["statement"] == "p1 was ill." for one in again.read().accepted)
            again.eraser.carry_out(name, again.world.moment)
        if again.receipts() == 0:  # it ended before the order stood: nothing has happened
            assert again.readable()
            again.erase()
        assert (again.receipts(), again.eraser.orders(), again.readable()) == (1, [], False)
        assert again.audited() == []
        again.world.log.journal.close()
    assert ended > 25


def test_an_audit_finds_a_receipt_that_lies_and_a_mark_without_one(place: Place) -> None:
    kept = place.paths[0].read_bytes(), place.secret, next((place.root / VAULT).glob(f"{place.world.vault.subjects()['person:p1']}.key"))
    place.erase()
    kept[2].write_bytes(kept[1])  # somebody brings back what they kept
    place.paths[0].write_bytes(kept[0])
    assert place.audited() == ["not-erased"]
    sealed = parse_sealed(place.paths[1].read_bytes())
    kept[2].unlink()
    place.paths[1].write_bytes(bytes(Erased("2026-11-23T00:00:00Z", "None", sealed.commitments)))
    assert place.audited() == ["no-receipt"]


def test_an_audit_finds_a_receipt_that_is_gone_or_changed(place: Place) -> None:
    place.erase()
    (path,) = (place.root / "log" / "erasures").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"payload", b"payLoad", 1))
    assert set(place.audited()) == {"bad-receipt", "no-receipt"}
    path.unlink()
    assert set(place.audited()) == {"no-receipt"}


def test_a_second_signature_under_a_sealed_piece_keeps_key_and_salt_and_is_erased_with_it(place: Place) -> None:
    path, vault = place.paths[0], Vault(place.root / VAULT, seeded(7))
    before = parse_sealed(path.read_bytes())
    reseal(path, envelope("p1 was not ill."), vault)
    after = parse_sealed(path.read_bytes())
    assert isinstance(before, Sealed)
    assert isinstance(after, Sealed)
    assert (after.key, after.commitments[:1], len(after.commitments)) == (before.key, before.commitments, 2)
    assert vault.open(after)[1] == vault.open(before)[1]
    assert after.nonce != before.nonce
    place.erase()
    mark = parse_sealed(path.read_bytes())
    assert isinstance(mark, Erased)
    assert mark.commitments == after.commitments


def test_a_person_applied_again_after_an_erasure_has_a_new_key(place: Place) -> None:
    before = place.world.vault.subjects()["person:p1"]
    place.erase()
    world = World(place.root, place.world.log, 9, place.world.moment)
    world.apply(FACTS)
    assert world.vault.subjects()["person:p1"] != before
    assert world.facts() == contents(FACTS)
    assert place.audited() == []


def test_sealed_content_is_read_with_its_key_only_and_a_changed_byte_is_noticed(place: Place, tmp_path: Path) -> None:
    data = place.paths[0].read_bytes()
    with pytest.raises(Refused, match=r"\[sealed\]"):
        open_stored(place.paths[0], data, Vault(tmp_path / "elsewhere"))
    value = json.loads(data)
    raw = bytearray(base64.b64decode(value["ciphertext"]))
    raw[-1] ^= 1
    with pytest.raises(Refused, match="bad-sealed"):
        open_stored(place.paths[0], canonical_json(value | {"ciphertext": base64.b64encode(raw).decode()}), place.world.vault)
    with pytest.raises(Refused, match="bad-sealed"):
        open_stored(place.paths[0], canonical_json(value | {"commitments": ["a" * 64]}), place.world.vault)


@given(st.binary(max_size=200))
def test_any_bytes_are_no_sealed_content_and_no_receipt(data: bytes) -> None:
    for read in (parse_sealed, read_receipt):
        with pytest.raises(Refused):
            read(data)


@pytest.mark.parametrize(
    "change",
    [
        {"key": "x"},
        {"nonce": "AA=="},
        {"nonce": 1},
        {"ciphertext": "?"},
        {"commitments": []},
        {"commitments": ["x"]},
        {"commitments": "x"},
        {"format": "kybern.sealed/2"},
        {"more": 1},
    ],
)
def test_sealed_content_of_another_form_is_refused(place: Place, change: dict[str, object]) -> None:
    value = json.loads(place.paths[0].read_bytes())
    with pytest.raises(Refused, match="bad-sealed"):
        parse_sealed(canonical_json(value | change))


@pytest.mark.parametrize("change", [{"entries": [{"index": -1, "commitment": "a" * 64}]}, {"asked_by": "me"}, {"at": "now"}, {"more": 1}])
def test_a_receipt_of_another_form_is_refused(change: dict[str, object]) -> None:
    said = Receipt(at=START, by="person:anna", asked_by="controller", ground="Law", reason="Order", entries=())
    value = json.loads(receipt(said, "0" * 32))
    assert read_receipt(canonical_json(value)) == said
    with pytest.raises(Refused, match="bad-receipt"):
        read_receipt(canonical_json(value | {"predicate": value["predicate"] | change}))
