"""What chaos is made with: a server started as a person starts it, and writers that remember what they were told."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

HERE = Path(__file__).parent
START_SECONDS = 60.0
KYBERN = (sys.executable, "-c", "from kybern.cli import main; main()")
Said = dict[str, Any]


def environment(**more: str) -> dict[str, str]:
    """The environment of a server: ours, without what was meant for the tests' own Django."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KYBERN_", "DJANGO_"))}
    return {**kept, **({"KYBERN_CACHE": os.environ["KYBERN_CACHE"]} if "KYBERN_CACHE" in os.environ else {}), **more}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Node:
    """A server in a process group of its own, on a data folder and a database."""

    def __init__(self, data: Path, database: str = "", port: int = 0, options: tuple[str, ...] = (), **more: str) -> None:
        self.data, self.port, self.options = data, port or free_port(), options
        self.environment = environment(KYBERN_RATE_LIMIT="0", **more, **({"KYBERN_DATABASE_URL": database} if database else {}))
        self.process: subprocess.Popen[bytes] | None = None
        self.output = data.parent / f"{data.name}.{self.port}.log"

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start it, and wait until it answers."""
        command = [*KYBERN, "up", "--data", str(self.data), "--port", str(self.port), *self.options]
        file: IO[bytes]
        with self.output.open("ab") as file:
            self.process = subprocess.Popen(command, env=self.environment, stdout=file, stderr=file, start_new_session=True)
        self.wait(seconds)

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Wait until it is ready."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process is not None and self.process.poll() is not None:
                break
            try:
                if ask(self.port, "GET", "/health/ready").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the server is not ready: {self.told()[-3000:]}")

    def told(self) -> str:
        """What it wrote."""
        return self.output.read_text("utf-8", errors="replace") if self.output.exists() else ""

    def kill(self) -> None:
        """`kill -9` the whole group."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
            self.process = None

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Tell it to stop, and give its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.kill()
            self.process = None

    def beside(self, *words: str) -> Said:
        """Run `chaos_check.py` on the same folder and database."""
        command = [sys.executable, str(HERE / "chaos_check.py"), *words[:1], str(self.data), *words[1:]]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-500:]
        found: Said = json.loads(done.stdout)
        return found

    def prepare(self) -> Said:
        """Make folder, database and a token."""
        command = [*KYBERN, "up", "--data", str(self.data), "--prepare-only"]
        subprocess.run(command, env=self.environment, capture_output=True, check=True, timeout=120)
        return self.beside("make")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, method: str, path: str, body: Any = None, token: str = "", seconds: float = 60, **headers: str) -> Reply:  # noqa: PLR0913, PLR0917 - a request has that many parts
    """Ask once, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        return asked(connection, method, path, body, token, **headers)
    finally:
        connection.close()


def asked(connection: http.client.HTTPConnection, method: str, path: str, body: Any, token: str, **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        sent["Content-Type"] = "application/json"
    connection.request(method, path, data, sent)
    answer = connection.getresponse()
    return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@dataclass
class Book:
    """What writers were told: acknowledged writes, answers by status, and problems that are no problem documents."""

    acks: list[Said] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, reply: Reply) -> bool:
        """Note an answer; give whether it acknowledges."""
        with self.lock:
            self.statuses[str(reply.status)] += 1
            if 200 <= reply.status < 300:
                found = reply.json
                self.acks += [one for one in (found if isinstance(found, list) else [found]) if one["act"] != "unchanged"]
                return True
            if reply.headers.get("content-type") != "application/problem+json" or b"Traceback" in reply.body:
                self.strange.append(f"{reply.status} {reply.body[:300]!r}")
        return False

    def lost(self, error: Exception) -> None:
        """Note that no answer came."""
        with self.lock:
            self.statuses[type(error).__name__] += 1

    def write(self, path: Path) -> Path:
        path.write_text("".join(json.dumps(ack) + "\n" for ack in self.acks), encoding="utf-8")
        return path


class Writer(threading.Thread):
    """Writes records of its own, one after the other: new ones, people among them, changes, removals, several at once."""

    def __init__(self, name: str, port: int, token: str, book: Book, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.port, self.token, self.book = port, token, book
        self.chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self.done = threading.Event()
        self.standing: dict[str, str] = {}
        self.number = 0
        self.pause = 0.0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.done.is_set():
            try:
                self.step(connection)
            except (OSError, http.client.HTTPException) as error:
                self.book.lost(error)
                connection.close()
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.done.wait(0.05)
            if self.pause:
                self.done.wait(self.pause)
        connection.close()

    def step(self, connection: http.client.HTTPConnection) -> None:
        act = self.chance.random()
        if act < 0.15 and self.standing:
            self._change(connection)
        elif act < 0.2 and self.standing:
            self._remove(connection)
        elif act < 0.3:
            self._several(connection)
        else:
            self._new(connection, "person" if act < 0.45 else "role")

    def _content(self, kind: str) -> Said:
        self.number += 1
        said: Said = {"kind": kind, "id": f"{self.name}-{self.number}", "title": f"Made by {self.name}, {self.chance.random()}"}
        return said | ({"responsibilities": ["To be there."]} if kind == "role" else {"email": f"{self.name}@example.org"})

    def _sent(self, connection: http.client.HTTPConnection, method: str, ref: str, body: Any, **headers: str) -> None:
        reply = asked(connection, method, f"/api/v1/records/{ref.replace(':', '/')}", body, self.token, **headers)
        if self.book.take(reply):
            digest = reply.json["digest"]
            if digest is not None:
                self.standing[ref] = digest

    def _new(self, connection: http.client.HTTPConnection, kind: str) -> None:
        content = self._content(kind)
        self._sent(connection, "PUT", f"{kind}:{content['id']}", content, If_None_Match="*")

    def _change(self, connection: http.client.HTTPConnection) -> None:
        # Taken out first: if no answer comes, nobody knows which version stands.
        ref = self.chance.choice(sorted(self.standing))
        digest = self.standing.pop(ref)
        self._sent(connection, "PATCH", ref, {"title": f"Changed, {self.chance.random()}"}, If_Match=f'"{digest}"')

    def _remove(self, connection: http.client.HTTPConnection) -> None:
        ref = self.chance.choice(sorted(self.standing))
        digest = self.standing.pop(ref)
        self._sent(connection, "DELETE", ref, None, If_Match=f'"{digest}"')

    def _several(self, connection: http.client.HTTPConnection) -> None:
        items = [{"content": self._content("role"), "expected": None} for _ in range(self.chance.randint(2, 12))]
        self.book.take(asked(connection, "POST", "/api/v1/records:bulk", {"reason": "chaos", "items": items}, self.token))


def fresh_database(server: str, name: str) -> str:
    """Make an empty database on a PostgreSQL, and give its address."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
