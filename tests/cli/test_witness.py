"""`kybern witness` and `kybern log witness`, as their people use them, over HTTP; and that a crash never makes a witness sign two pasts."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "evidence" / "log"))

from log_bench import ORIGIN, SIGNER
from witness_bench import NOW, WITNESS, submission

from kybern.cli import _evidence, _log, _witness
from kybern.cli._log_witness import post_to
from kybern.cli._witness_http import Server
from kybern.cli._witness_memory import WitnessMemory
from kybern.evidence import Refused
from kybern.evidence.log import Group, Kind, Seen, Submission, Turn, Verifier, Witness, WitnessKey, cosignatures, read_policy

if TYPE_CHECKING:
    from click.testing import Result

app = typer.Typer()
for group in (_evidence, _log, _witness):
    group.register(app)
runner = CliRunner()
LEAVES = [b"one", b"two", b"three"]


def run(*words: object, code: int = 0) -> Result:
    result = runner.invoke(app, [*map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


class World:
    """A workspace with a log, and a witness that serves."""

    def __init__(self, root: Path) -> None:
        self.root, self.witness = root / "work", root / "witness"
        (self.root / "records").mkdir(parents=True)
        (self.root / "kybern.yaml").write_text("kybern: 1\n")
        (self.root / "records" / "people.yaml").write_text("- {kind: person, id: anna, title: Anna}\n")
        span = ("--valid-from", "2026-01-01", "--valid-days", "36500")
        self.log("key", "new", "anna", "--kind", "person", "--holder", "person:anna", *span)
        self.log("log", "init", "--origin", ORIGIN)
        self.keys = run("witness", "init", "example.org/witness", "--folder", self.witness).stdout.splitlines()
        self.server: Server | None = None

    def log(self, *words: object, code: int = 0) -> Result:
        return run(*words, "-C", self.root, code=code)

    def state(self, text: str) -> None:
        about = ("--about", "person:anna", "--topic", "oversight", "--key", "anna", "--observed-at", "2026-02-01")
        self.log("evidence", "add", "attestation", *about, "-f", f"statement={text}", "-f", "holds=true")

    def serve(self) -> str:
        memory = WitnessMemory(self.witness / "memory.db")
        self.server = Server(("127.0.0.1", 0), Witness(_witness._signers(self.witness, None), memory), memory, lambda: NOW)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.stop()


@pytest.fixture
def witnessed(world: World) -> World:
    """A log of one entry, cosigned with both keys."""
    url = world.serve()
    run("witness", "add-log", world.root / "log" / "key", "--folder", world.witness)
    for number, key in enumerate(world.keys):
        world.log("log", "witness", "add", f"w{number}", key, f"{url}/")
    world.state("one")
    world.log("log", "sync")
    return world


def note(world: World) -> bytes:
    return (world.root / "log" / "checkpoint").read_bytes()


def test_a_witness_has_two_keys_that_only_its_owner_reads(world: World) -> None:
    assert [WitnessKey.parse(key).algorithm for key in world.keys] == ["Ed25519", "ML-DSA-44"]
    for name in ("ed25519.pem", "ml-dsa-44.pem"):
        assert stat.S_IMODE((world.witness / name).stat().st_mode) == 0o600
    assert "already" in run("witness", "init", "example.org/other", "--folder", world.witness, code=2).stderr
    (world.witness / "memory.db").unlink()  # old keys with a new memory could sign two pasts
    assert "key-exists" in run("witness", "init", "example.org/witness", "--folder", world.witness, code=2).stderr


def test_sync_asks_and_the_checkpoint_shows_it(witnessed: World) -> None:
    keys = [WitnessKey.parse(key) for key in witnessed.keys]
    assert [one.at for one in cosignatures(note(witnessed), keys)] == [NOW, NOW]
    witnessed.state("two")
    said = witnessed.log("log", "sync").stdout
    assert "cosigned by w0, w1 at 2026-" in said
    assert len(cosignatures(note(witnessed), keys)) == 2
    assert "2 of 2 entries" in witnessed.log("log", "witness", "list").stdout
    assert "2 of 2 keys cosigned: w0 at 2026-" in witnessed.log("log", "status").stdout
    assert f"{ORIGIN}  2 entries" in run("witness", "status", "--folder", witnessed.witness).stdout
    assert json.loads(run("witness", "status", "--json", "--folder", witnessed.witness).stdout)["logs"][ORIGIN]["size"] == 2
    assert witnessed.log("log", "audit").exit_code == 0


def test_a_policy_is_written_and_decides(witnessed: World, tmp_path: Path) -> None:
    policy, proof = tmp_path / "policy", tmp_path / "p.tlog-proof"
    policy.write_text(witnessed.log("log", "witness", "policy", "--quorum", 1).stdout)
    assert read_policy(policy.read_bytes()).groups == (Group("w0-or-w1", 1, ("w0", "w1")), Group("enough", 1, ("w0-or-w1",)))
    witnessed.log("log", "prove", "entry:0", "--out", proof)
    said = run("log", "verify-proof", proof, "--policy", policy, "-C", tmp_path).stdout
    assert "by w0, as it says" in said
    assert "by w1, as it says" in said
    assert "cosigned as the policy asks" in witnessed.log("log", "audit", "--policy", policy).stdout
    witnessed.stop()
    witnessed.state("two")
    assert "does not answer" in witnessed.log("log", "sync").stderr  # published all the same
    witnessed.log("log", "prove", "entry:1", "--out", proof)
    assert "no-quorum" in run("log", "verify-proof", proof, "--policy", policy, "-C", tmp_path, code=1).stdout
    assert "no-quorum" in witnessed.log("log", "audit", "--policy", policy, code=1).stdout
    assert "0 of 2 entries" not in witnessed.log("log", "witness", "list").stdout
    assert "not cosigned by w0, w1" in witnessed.log("log", "witness", "ask", code=1).stderr


def test_a_policy_that_asks_for_nothing_is_told_with_its_place(witnessed: World, tmp_path: Path) -> None:
    policy, proof = tmp_path / "policy", tmp_path / "p.tlog-proof"
    witnessed.log("log", "prove", "entry:0", "--out", proof)
    policy.write_text("# nothing\nquorum none\n")
    said = run("log", "verify-proof", proof, "--policy", policy, "-C", tmp_path, code=2).stderr
    assert f"{policy}:2:8" in said
    assert "empty-policy" in said
    assert (
        "has 1 witnesses; 2 can never" in witnessed.log("log", "witness", "policy", "--quorum", 2, code=2).stderr
    )  # two keys, one witness


def test_a_rolled_back_journal_is_refused_loudly_and_both_notes_are_kept(witnessed: World, tmp_path: Path) -> None:
    witnessed.state("two")
    folder = witnessed.root / ".kybern" / "log"
    witnessed.log("log", "sync")
    for path in folder.glob("journal.db*"):
        path.unlink()
    (witnessed.root / "log" / "checkpoint").unlink()
    for tile in sorted((witnessed.root / "log" / "tile").rglob("*"), reverse=True):
        tile.rmdir() if tile.is_dir() else tile.unlink()
    (witnessed.root / "log" / "tile").rmdir()
    witnessed.log("log", "init", "--origin", ORIGIN)  # with the key that is there: an operator's new past
    next((witnessed.root / "evidence").rglob("*.dsse.json")).unlink()
    said = witnessed.log("log", "sync", code=1).stderr
    assert "REFUSED by w0, w1" in said
    assert "rollback" in said
    status = run("witness", "status", "--out", tmp_path / "pairs", "--folder", witnessed.witness, code=1)
    assert "1 entries with two roots, both signed: that is proof" in status.stdout  # it was cosigned long ago, and remembered
    held, shown = sorted((tmp_path / "pairs").iterdir())
    assert (held.name, shown.name) == ("001-fork-cosigned", "001-fork-submitted")
    assert held.read_text().split("\n")[:2] == shown.read_text().split("\n")[:2] == [ORIGIN, "1"]
    witnessed.state("another two")
    assert "[fork]" in witnessed.log("log", "sync", code=1).stderr
    kept = tmp_path / "kept"
    kept.write_text(run("witness", "show", ORIGIN, "--folder", witnessed.witness).stdout)
    assert "fork" in witnessed.log("log", "audit", "--against", kept, code=1).stdout


def test_what_cannot_be_is_told(world: World, tmp_path: Path) -> None:
    assert "no witness" in run("witness", "status", "--folder", tmp_path / "nowhere", code=2).stderr
    assert "bad-key" in run("witness", "add-log", "a+b+c", "--folder", world.witness, code=2).stderr
    assert "bad-key" in run("witness", "init", "two words", "--folder", tmp_path / "w", code=2).stderr
    assert "nothing-cosigned" in run("witness", "show", ORIGIN, "--folder", world.witness, code=2).stderr
    assert "bad-url" in world.log("log", "witness", "add", "w", world.keys[0], "ftp://example.org", code=2).stderr
    assert "bad-key" in world.log("log", "witness", "add", "w", str(SIGNER.verifier), "http://example.org", code=2).stderr
    assert "no-witness" in world.log("log", "witness", "ask", code=2).stderr
    world.log("log", "witness", "add", "w", world.keys[0], "http://example.org")
    assert "name-twice" in world.log("log", "witness", "add", "w", world.keys[1], "http://example.org", code=2).stderr
    (world.witness / "memory.db").write_bytes(b"nothing")
    assert "witness" in run("witness", "status", "--folder", world.witness, code=2).stderr


def test_one_algorithm_can_be_chosen(tmp_path: Path) -> None:
    said = run("witness", "init", "example.org/w", "--algorithm", "ed25519", "--folder", tmp_path / "w").stdout
    assert [WitnessKey.parse(key).algorithm for key in said.splitlines()] == ["Ed25519"]


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN])  # a shell's background jobs ignore SIGINT
def test_the_program_serves_until_it_is_stopped(world: World, told: signal.Signals, before: signal.Handlers) -> None:
    run("witness", "add-log", str(SIGNER.verifier), "--folder", world.witness)
    command = [Path(sys.executable).with_name("kybern"), "witness", "serve", "--port", "0", "--folder", world.witness]
    held = signal.signal(signal.SIGINT, before)  # what the program inherits
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as program:
        try:
            signal.signal(signal.SIGINT, held)
            assert program.stdout is not None
            url = program.stdout.readline().split()[0]
            reply = post_to(url)(bytes(submission(0, LEAVES)))
            program.send_signal(told)
            out, err = program.communicate(timeout=20)
        finally:
            program.kill()  # one that does not stop fails the test; it does not hold it
    assert (program.returncode, out, err) == (0, "", "stopped\n")
    assert (reply.status, len(reply.body.splitlines())) == (200, 2)
    with pytest.raises(OSError, match="refused"):
        post_to(url)(b"")


# --- the wire ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    memory = WitnessMemory.create(tmp_path / "memory.db")
    memory.add(SIGNER.verifier)
    found = Server(("127.0.0.1", 0), Witness([WITNESS], memory), memory, lambda: NOW)
    threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def test_a_connection_is_kept_and_the_last_checkpoint_shown(server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    where = f"/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    for method, path, body, status in (
        ("GET", where, None, 404),
        ("POST", "/add-checkpoint", bytes(submission(0, LEAVES)), 200),
        ("POST", "/add-checkpoint", bytes(submission(0, LEAVES)), 409),
        ("GET", where, None, 200),
        ("GET", "/" + "0" * 64 + "/checkpoint", None, 404),
    ):
        connection.request(method, path, body)
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status == status
        if status == 409:
            assert (answer.getheader("Content-Type"), data) == ("text/x.tlog.size", b"3\n")
        if (method, status) == ("GET", 200):
            assert [one.at for one in cosignatures(data, [WITNESS.key])] == [NOW]
    connection.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /other HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", b"404"),
        (b"POST /add-checkpoint HTTP/1.1\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 9" + b"9" * 5000 + b"\r\n\r\n", b"413"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", b"400"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", b"400"),
        (b"DELETE / HTTP/1.1\r\n\r\n", b"501"),
    ],
)
def test_what_is_no_submission_is_refused_on_the_wire(server: Server, head: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).split(b" ")[1] == status


def test_beyond_its_measure_it_turns_connections_away(server: Server) -> None:
    for _ in range(32):
        server._free.acquire()
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 503")
    for _ in range(32):
        server._free.release()


def test_one_that_drips_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kybern.cli._witness_http._CONNECTION_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
        assert connection.recv(100) == b""


def test_a_witness_that_drips_does_not_hold_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kybern.cli._log_witness._MOST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as dripping:
        post = post_to(f"http://127.0.0.1:{dripping.getsockname()[1]}")
        dripping.settimeout(5)
        held = []

        def drip() -> None:
            held.append(dripping.accept()[0])
            held[0].sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")

        thread = threading.Thread(target=drip)
        thread.start()
        assert post(b"").body == b""  # of no use, and told as such
        thread.join()
        held[0].close()


def test_a_memory_that_fails_makes_no_cosignature(server: Server, tmp_path: Path) -> None:
    (tmp_path / "memory.db").unlink()
    (tmp_path / "memory.db").mkdir()
    assert server.answer(bytes(submission(0, LEAVES))).status == 500


# --- the memory -------------------------------------------------------------------------------------------------------------------------


def test_the_file_itself_refuses_to_go_back(tmp_path: Path) -> None:
    memory = WitnessMemory.create(tmp_path / "memory.db")
    assert [memory.add(SIGNER.verifier), memory.add(SIGNER.verifier)] == [True, False]
    with memory.turn(ORIGIN) as turn:
        turn.advance(Seen(3, b"a" * 32, NOW, b"note"))
        turn.advance(Seen(3, b"a" * 32, NOW + 1, b"again"))
    for seen in (Seen(2, b"b" * 32, NOW, b""), Seen(3, b"b" * 32, NOW, b"")):
        with pytest.raises(Refused, match="go back"), memory.turn(ORIGIN) as turn:
            turn.advance(seen)
    assert memory.latest(ORIGIN) == Seen(3, b"a" * 32, NOW + 1, b"again")


def test_a_turn_that_ends_badly_leaves_nothing(tmp_path: Path) -> None:
    memory = WitnessMemory.create(tmp_path / "memory.db")
    advance: Callable[[Turn], object] = lambda turn: (turn.advance(Seen(3, b"a" * 32, NOW, b"note")), 1 / 0)  # noqa: E731 - one statement
    with pytest.raises(ZeroDivisionError), memory.turn(ORIGIN) as turn:
        advance(turn)
    assert memory.latest(ORIGIN) is None


def test_what_it_keeps_has_a_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kybern.cli._witness_memory._MOST_KEPT", 2)
    memory = WitnessMemory.create(tmp_path / "memory.db")
    memory.add(SIGNER.verifier)
    one = Witness([WITNESS], memory)
    one.add_checkpoint(bytes(submission(0, LEAVES)), NOW)
    for leaf in (b"x", b"x", b"y", b"z"):
        one.add_checkpoint(bytes(Submission(3, (), submission(0, [leaf] * 3).note)), NOW)
    kept = memory.contradictions()
    assert [found.found.kind for found in kept] == [Kind.FORK, Kind.FORK]
    one.add_checkpoint(bytes(Submission(3, (), submission(0, [b"x"] * 5).note)), NOW)  # another kind is not crowded out
    assert [found.found.kind for found in memory.contradictions()] == [Kind.FORK, Kind.FORK, Kind.UNPROVEN]
    assert memory.keys("example.org/unknown") == []
    assert memory.keys(ORIGIN) == [Verifier.parse(str(SIGNER.verifier))]


def test_a_wrong_proof_from_a_stranger_is_forgotten_once_the_right_one_comes(tmp_path: Path) -> None:
    memory = WitnessMemory.create(tmp_path / "memory.db")
    memory.add(SIGNER.verifier)
    one, more = Witness([WITNESS], memory), [*LEAVES, b"four"]
    one.add_checkpoint(bytes(submission(0, LEAVES)), NOW)
    assert one.add_checkpoint(bytes(Submission(3, (bytes(32),), submission(3, more).note)), NOW).status == 422
    assert [found.found.kind for found in memory.contradictions()] == [Kind.UNPROVEN]
    assert one.add_checkpoint(bytes(submission(3, more)), NOW).status == 200
    assert memory.contradictions() == []


def test_a_crash_never_makes_it_sign_two_pasts() -> None:
    chaos = [sys.executable, str(Path(__file__).with_name("witness_chaos.py")), "--rounds", "21"]
    done = subprocess.run(chaos, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    for end in ("kill-at-statement killed", "kill-at-time killed", "processes unharmed"):
        assert end in done.stdout
