"""Chaos for the server: killed under load, its disk full, its database gone, two of them at once. Nothing acknowledged may be lost.

    python tests/server/chaos.py --rounds 50 --writers 8 [--seed N] [--only crash ...]
    python tools/with_postgres.py python tests/server/chaos.py --rounds 50

With KYBERN_DATABASE_URL it runs on that PostgreSQL, in databases of its own, else on SQLite. A kill leaves what the system has taken
in: that a flush reaches the disk is SQLite's and PostgreSQL's promise (synchronous=FULL, fsync), and a power cut would test it.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from chaos_node import Book, Node, Writer, ask, fresh_database

NEVER_ALLOWED = ("500",)
"""What no writer may ever be answered: an error nobody thought of."""


class Skipped(Exception):  # noqa: N818 - it is an outcome
    """What cannot be tried here, and why."""


@contextmanager
def a_node(server: str, folder: Path, **more: Any) -> Iterator[tuple[Node, str]]:
    """A server on a fresh folder and database, with a token; it is gone afterwards."""
    database = fresh_database(server, f"chaos_{secrets.token_hex(6)}") if server else ""
    node = Node(folder / "data", database, **more)
    token = node.prepare()["token"]
    try:
        yield node, token
    finally:
        node.kill()


@contextmanager
def writing(node: Node, token: str, book: Book, writers: int, seed: int) -> Iterator[list[Writer]]:
    """Writers at work."""
    threads = [Writer(f"w{seed}-{number}", node.port, token, book, seed * 1000 + number) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.done.set()
        for thread in threads:
            thread.join(90)


def _failures(node: Node) -> str:
    """Give what the server told of what it could not answer: the lines that are errors and not a database away."""
    return "\n".join(
        one[:6000] for one in node.told().splitlines() if '"level": "error"' in one and "503" not in one and "database-away" not in one
    )


def checked(node: Node, book: Book, folder: Path) -> dict[str, Any]:
    """Hold the database against what was acknowledged; the server does not run."""
    found = node.beside("check", str(book.write(folder / "acks.jsonl")))
    assert found["wrong"] == [], found["wrong"][:10]
    assert book.strange == [], book.strange[:5]
    assert not any(book.statuses[status] for status in NEVER_ALLOWED), (book.statuses, _failures(node))
    return found


def crash(server: str, folder: Path, rounds: int, writers: int, seed: int) -> str:
    """`kill -9` of the whole process group at random moments, over and over, and a check each time."""
    chance, book = random.Random(seed), Book()  # noqa: S311 - chance that can be repeated
    with a_node(server, folder) as (node, token):
        for number in range(rounds):
            node.start()
            before = len(book.acks)
            with writing(node, token, book, writers, seed + number):
                until = time.monotonic() + 20
                while len(book.acks) == before and time.monotonic() < until:
                    time.sleep(0.01)
                time.sleep(chance.uniform(0, 1.5))
                node.kill()
            found = checked(node, book, folder)
        lost = sum(count for name, count in book.statuses.items() if not name.isdecimal())
        assert lost, "no kill met a request under way"
    return f"{rounds} kills, {len(book.acks)} acknowledged writes, {lost} requests without an answer, {found['entries']} entries"


def full_disk(server: str, folder: Path, rounds: int, writers: int, seed: int) -> str:
    """The data folder's disk runs full under load, and is freed again while the server runs."""
    del rounds
    if server:
        raise Skipped("the disk is PostgreSQL's own")
    if os.geteuid() or sys.platform != "linux":
        raise Skipped("mounting a small disk needs root")
    small, book = folder / "small", Book()
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(small)], check=False, capture_output=True).returncode:  # noqa: S607 - PATH has it
        raise Skipped("a tmpfs cannot be mounted here")
    try:
        with a_node(server, small) as (node, token):
            node.start()
            filler = small / "filler"
            with writing(node, token, book, writers, seed):
                wait_for(lambda: len(book.acks) >= 20, "writes")
                fill(filler, small)
                wait_for(lambda: book.statuses["507"] >= 5, "507", 40, lambda: str(book.statuses))
                ready = ask(node.port, "GET", "/health/ready")
                assert (ready.status, ready.json["checks"]["disk"]["ok"]) == (503, False)
                listed = ask(node.port, "GET", "/api/v1/records?limit=5", token=token)
                assert listed.status == 200, (listed.status, listed.body[:300])
                filler.unlink()
                there = len(book.acks)
                wait_for(lambda: len(book.acks) > there + 20, "writes after room was made", 40, lambda: str(book.statuses))
            assert ask(node.port, "GET", "/health/live").status == 200
            node.stop()
            found = checked(node, book, folder)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False, capture_output=True)  # noqa: S607 - the same
    return f"{book.statuses['507']} refused for a full disk, {len(book.acks)} acknowledged writes, {found['entries']} entries"


def fill(filler: Path, disk: Path) -> None:
    """Take every byte there is, and keep taking what becomes free for a moment."""
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    assert shutil.disk_usage(disk).free < 8192


def lost_connection(server: str, folder: Path, rounds: int, writers: int, seed: int) -> str:
    """PostgreSQL ends the server's connections under load."""
    if not server:
        raise Skipped("SQLite has no connection to lose")
    import psycopg

    book = Book()
    with a_node(server, folder) as (node, token):
        node.start()
        with writing(node, token, book, writers, seed), psycopg.connect(server, autocommit=True) as beside:
            name = node.environment["KYBERN_DATABASE_URL"].partition("?")[0].rpartition("/")[2]
            for _ in range(max(rounds, 5)):
                there = len(book.acks)
                wait_for(lambda there=there: len(book.acks) > there + 3, "writes", 30, lambda: f"{book.statuses} {book.strange[:2]}")
                beside.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            there = len(book.acks)
            wait_for(lambda: len(book.acks) > there + 20, "writes after the last loss", 30, lambda: str(book.statuses))
        node.stop()
        found = checked(node, book, folder)
        assert book.statuses["503"], book.statuses
    return f"{book.statuses['503']} told that the database is away, {len(book.acks)} acknowledged writes, {found['entries']} entries"


def two_nodes(server: str, folder: Path, rounds: int, writers: int, seed: int) -> str:
    """Two servers on one PostgreSQL: of writers who started from the same version exactly one wins, on whichever server."""
    if not server:
        raise Skipped("several nodes need PostgreSQL")
    book, races = Book(), max(10, rounds)
    with a_node(server, folder) as (node, token):
        other = Node(folder / "data", node.environment["KYBERN_DATABASE_URL"], options=("--no-migrate",))
        node.start()
        other.start()
        try:
            with writing(node, token, book, max(1, writers // 4), seed), writing(other, token, book, max(1, writers // 4), seed + 500):
                digest = race((node, other), token, book, "contested", None)
                for _ in range(races):
                    digest = race((node, other), token, book, "contested", digest)
        finally:
            other.kill()
        node.stop()
        found = checked(node, book, folder)
    return f"{races + 1} races over two nodes, one winner each; {len(book.acks)} acknowledged writes, {found['entries']} entries"


def race(nodes: tuple[Node, ...], token: str, book: Book, name: str, digest: str | None) -> str:
    """Several write the same record from the same version at once; give the winner's version."""
    content = [{"title": f"Raced {secrets.token_hex(8)}", "responsibilities": ["To be one."]} for _ in range(6)]
    headers = {"If_None_Match": "*"} if digest is None else {"If_Match": f'"{digest}"'}
    replies: list[Any] = [None] * len(content)
    gate = threading.Barrier(len(content))

    def put(number: int) -> None:
        gate.wait(10)
        replies[number] = ask(nodes[number % len(nodes)].port, "PUT", f"/api/v1/records/role/{name}", content[number], token, **headers)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(len(content))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    statuses = sorted(reply.status for reply in replies)
    assert statuses[0] in {200, 201}, statuses
    assert statuses[1:] == [412] * (len(content) - 1), statuses
    for reply in replies:
        book.take(reply)
    won: str = next(reply.json["digest"] for reply in replies if reply.status < 300)
    assert ask(nodes[-1].port, "GET", f"/api/v1/records/role/{name}", token=token).json["digest"] == won
    return won


def half_states(server: str, folder: Path, rounds: int, writers: int, seed: int) -> str:
    """Readers look on while many records are written at once: they see none of them, or all."""
    del writers, seed
    batch, batches, seen = 60, max(4, min(rounds, 40)), []
    with a_node(server, folder, options=("--workers", "2")) as (node, token):
        node.start()
        done, wrong = threading.Event(), []

        def read() -> None:
            while not done.is_set():
                found = ask(node.port, "GET", "/api/v1/records?kind=role&limit=500&fields=ref,title", token=token).json["items"]
                titles = {item["title"] for item in found}
                if len(found) not in {0, batch} or len(titles) > 1:
                    wrong.append((len(found), sorted(titles)))
                seen.append(len(found))

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for number in range(batches):
            items = [
                {"content": {"kind": "role", "id": f"r{one}", "title": f"Batch {number}", "responsibilities": ["x"]}}
                for one in range(batch)
            ]
            reply = ask(node.port, "POST", "/api/v1/records:bulk", {"reason": "all or none", "items": items}, token)
            assert reply.status == 200, reply.body[:300]
        done.set()
        for reader in readers:
            reader.join(30)
        node.stop()
    assert not wrong, wrong[:3]
    assert len(seen) > batches, "the readers were not looking"
    return f"{batches} batches of {batch} records, {len(seen)} readings, each of none or all"


def wait_for(holds: Callable[[], bool], what: str, seconds: float = 30, told: Callable[[], str] = str) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"waited {seconds:.0f} s for {what} in vain; {told()}"
        time.sleep(0.02)


SCENES: dict[str, Callable[[str, Path, int, int, int], str]] = {
    "crash": crash,
    "full-disk": full_disk,
    "lost-connection": lost_connection,
    "two-nodes": two_nodes,
    "half-states": half_states,
}


def main() -> int:
    """Play the scenes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--only", nargs="+", choices=sorted(SCENES), default=list(SCENES))
    asked = parser.parse_args()
    server = os.environ.get("KYBERN_DATABASE_URL", "")
    print(f"seed {asked.seed}, {'PostgreSQL' if server else 'SQLite'}", flush=True)
    for name in asked.only:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kybern-chaos-", ignore_cleanup_errors=True) as folder:
            try:
                said = SCENES[name](server, Path(folder), asked.rounds, asked.writers, asked.seed)
            except Skipped as why:
                said = f"not tried: {why}"
            except AssertionError as error:
                print(f"{name}: FAILED: {error}", flush=True)
                return 1
        print(f"{name}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
