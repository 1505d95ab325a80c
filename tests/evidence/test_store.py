"""The folder of evidence: whole files, nothing overwritten, nothing passed over in silence."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from kybern.base import InputError, digest
from kybern.catalog import Strength
from kybern.evidence import Keyring, Refused, countersign, parse_envelope, read_evidence, write

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench


def test_an_envelope_is_written_under_the_name_of_its_payload(bench: Bench, tmp_path: Path) -> None:
    envelope = bench.envelope()
    path = write(tmp_path / "evidence", envelope)
    assert path.name == hashlib.sha256(parse_envelope(envelope).payload).hexdigest()[:16] + ".dsse.json"
    assert path.read_bytes() == envelope
    assert write(tmp_path / "evidence", envelope) == path
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_nothing_behind(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, bench.envelope())
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_envelope_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        write(tmp_path / "evidence", b"{}")
    assert not (tmp_path / "evidence").exists()


def test_other_content_is_never_overwritten(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path, bench.envelope())
    for other in (b"notes", bench.envelope(value=0.5), b""):
        path.write_bytes(other)
        with pytest.raises(InputError, match="other content"):
            write(tmp_path, bench.envelope())
        assert path.read_bytes() == other


def test_signatures_over_one_payload_are_united(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path, bench.envelope(bench.ci))
    write(tmp_path, countersign(bench.envelope(bench.ci), bench.auditor))
    write(tmp_path, bench.envelope(bench.anna))
    assert list(parse_envelope(path.read_bytes()).signatures) == [bench.ci.keyid, bench.auditor.keyid, bench.anna.keyid]
    [piece] = read_evidence(tmp_path, bench.keyring, tmp_path).accepted
    assert piece.strength is Strength.VERIFIED


def test_a_folder_that_is_not_there_holds_nothing(bench: Bench, tmp_path: Path) -> None:
    found = read_evidence(tmp_path / "evidence", bench.keyring, tmp_path)
    assert (found.accepted, found.refused) == ((), ())


def test_a_folder_is_read_sorted_and_every_refusal_has_its_place(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    paths = [write(folder / "2026", bench.envelope(value=value)) for value in (0.3, 0.1, 0.2)]
    write(folder, bench.envelope(bench.stranger))
    (folder / "broken.json").write_bytes(b"{")
    (folder / "README.md").write_text("Not evidence.")
    (folder / "large.json").write_bytes(b" " * (1 << 21))
    found = read_evidence(folder, bench.keyring, tmp_path)
    ids = [piece.id for piece in found.accepted]
    assert ids == sorted(ids)
    assert {piece.source for piece in found.accepted} == {f"evidence/2026/{path.name}" for path in paths}
    assert {refusal.rule for refusal in found.refused} == {"unknown-key", "not-json", "too-large"}
    assert [refusal.source for refusal in found.refused] == sorted(refusal.source for refusal in found.refused)
    assert found.digest == digest(ids)


def test_one_payload_in_two_files_counts_once_with_its_strongest_signatures(bench: Bench, tmp_path: Path) -> None:
    weak, strong = bench.envelope(bench.anna), bench.envelope(bench.anna, bench.ci)
    for first, second in (("a.json", "b.json"), ("b.json", "a.json")):
        (tmp_path / first).write_bytes(weak)
        (tmp_path / second).write_bytes(strong)
        [piece] = read_evidence(tmp_path, bench.keyring, tmp_path).accepted
        assert (piece.strength, piece.source) == (Strength.MEASURED, second)


def test_the_digest_does_not_depend_on_where_files_lie(bench: Bench, tmp_path: Path) -> None:
    for value in (0.1, 0.2):
        write(tmp_path / "one", bench.envelope(value=value))
        write(tmp_path / "two" / str(value), bench.envelope(value=value))
    one, two = (read_evidence(tmp_path / name, bench.keyring, tmp_path).digest for name in ("one", "two"))
    assert one == two
    assert one != read_evidence(tmp_path / "one", Keyring(), tmp_path).digest


def test_links_that_lead_outside_are_refused(bench: Bench, tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "root" / "evidence"
    folder.mkdir(parents=True)
    outside = write(tmp_path / "elsewhere", bench.envelope())
    (folder / "out.json").symlink_to(outside)
    (folder / "loop.json").symlink_to("loop.json")
    (folder / "gone.json").symlink_to("nowhere.json")
    (folder / "linked").symlink_to(outside.parent)
    os.mkfifo(folder / "pipe.json")
    found = read_evidence(folder, bench.keyring, root)
    assert found.accepted == ()
    assert [(refusal.source, refusal.rule) for refusal in found.refused] == [
        ("evidence/gone.json", "unreadable"),
        ("evidence/linked", "outside"),
        ("evidence/loop.json", "unreadable"),
        ("evidence/out.json", "outside"),
        ("evidence/pipe.json", "not-a-file"),
    ]


def test_a_linked_evidence_folder_outside_the_workspace_is_refused(bench: Bench, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", bench.envelope())
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "evidence").symlink_to(tmp_path / "elsewhere")
    found = read_evidence(tmp_path / "root" / "evidence", bench.keyring, tmp_path / "root")
    assert (found.accepted, [refusal.rule for refusal in found.refused]) == ((), ["outside"])


def test_a_link_to_a_file_inside_counts_once(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path, bench.envelope())
    (tmp_path / "again.json").symlink_to(path.name)
    found = read_evidence(tmp_path, bench.keyring, tmp_path)
    assert (len(found.accepted), found.refused) == (1, ())


def test_a_refusal_reads_as_one_line(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"payloadType": "x"}))
    [refusal] = read_evidence(tmp_path, bench.keyring, tmp_path).refused
    assert str(refusal).startswith("a.json: refused: payloadType is 'x'")
    assert str(refusal).endswith("[wrong-payload-type]")
