"""Servers as people start them: one leads, another takes over, nothing is lost on the way, and a stop waits for no reader."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos_node import Node
from server_world import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Receiver

PREPARE = """
import django; django.setup()
from datetime import UTC, datetime, timedelta
from kybern.server.access.actor import actor_of
from kybern.server.access.models import ApiToken, Unit, User
from kybern.server.access.permissions import Permission
from kybern.server.jobs.webhooks import make_webhook
user, now = User.objects.get(), datetime.now(UTC)
make_webhook(actor_of(user), name="t", url={url!r}, types=["org.kybern.record.added"], unit=Unit.objects.get(parent=None),
             sensitive=False, now=now)
print(ApiToken.issue(user, "t", sorted(Permission), now + timedelta(days=1))[1])
"""
LEADER = """
import django; django.setup()
from kybern.server.jobs.models import Lease
print(*Lease.objects.values_list("holder", flat=True))
"""


@pytest.fixture
def database() -> Iterator[str]:
    """A database of the test's own where the tests run on PostgreSQL; else none is named, and each data folder has its SQLite file."""
    url = os.environ.get("KYBERN_DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield ""
        return
    import psycopg

    name = f"kybern_jobs_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def nodes(tmp_path: Path, database: str, receiver: Receiver) -> Iterator[Callable[[], Node]]:
    """Make servers on one data folder and one database."""
    data = tmp_path / "data"
    made: list[Node] = []

    def node() -> Node:
        options = ("--from", str(EXAMPLE)) if not made else ("--no-migrate",)
        made.append(Node(data, database, options=options, KYBERN_WEBHOOKS_LOOPBACK="1"))
        made[-1].start()
        return made[-1]

    yield node
    for one in made:
        one.kill()


def run(node: Node, code: str) -> str:
    environment = {**node.environment, "KYBERN_DATA": str(node.data), "DJANGO_SETTINGS_MODULE": "kybern.server.settings"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def put(node: Node, token: str, name: str) -> int:
    body = {"title": name, "responsibilities": ["Is there."]}
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "If-None-Match": "*"}
    connection.request("PUT", f"/api/v1/records/role/{name}", json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def until(holds: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.25)
    return found


def subjects(receiver: Receiver) -> list[str]:
    return [json.loads(body)["subject"] for _, _, body in receiver.got]


def pid_of(holder: str) -> int:
    return int(holder.split(":")[-2])


def test_two_nodes_have_one_leader_and_the_other_takes_over(nodes: Callable[[], Node], receiver: Receiver) -> None:
    first, second = nodes(), nodes()
    token = run(first, PREPARE.format(url=receiver.url))
    (leader,) = run(first, LEADER).split()
    said = [node.told().count("this process leads") for node in (first, second)]
    assert sum(said) == 1
    leading, other = (first, second) if said[0] else (second, first)
    assert put(other, token, "one") == 201
    assert until(lambda: subjects(receiver) == ["role:one"], 15), other.told()

    receiver.status = 503
    assert put(other, token, "two") == 201
    os.kill(pid_of(leader), signal.SIGKILL)  # whether it has sent, or had the message half sent, nobody knows
    leading.kill()
    assert put(other, token, "three") == 201
    receiver.status = 204
    receiver.got.clear()
    assert until(lambda: {"role:two", "role:three"} <= set(subjects(receiver)), 90), other.told()
    (heir,) = run(other, LEADER).split()
    assert heir != leader
    assert len(set(subjects(receiver))) == 2
    assert (other.data / "log" / "checkpoint").is_file()


def test_a_stop_waits_for_no_reader(nodes: Callable[[], Node]) -> None:
    node = nodes()
    token = run(node, PREPARE.format(url="http://127.0.0.1:9/"))
    begun, parts = threading.Event(), list[bytes]()

    def read() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        connection.request("GET", "/events", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert answer.getheader("Content-Type") == "text/event-stream"
        while line := answer.readline():
            parts.append(line)
            begun.set()
        connection.close()

    readers = [threading.Thread(target=read) for _ in range(20)]
    for one in readers:
        one.start()
    assert begun.wait(20)
    assert put(node, token, "seen") == 201
    assert until(lambda: parts.count(b"event: changed\n") == 20, 15), parts
    process = node.process
    assert process is not None
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    node.process = None
    assert time.monotonic() - asked < 15
    for one in readers:
        one.join(10)
        assert not one.is_alive()


def test_work_alone_leads_and_ends_when_told(tmp_path: Path, database: str, receiver: Receiver) -> None:
    node = Node(tmp_path / "data", database, options=("--from", str(EXAMPLE)), KYBERN_JOBS="0", KYBERN_WEBHOOKS_LOOPBACK="1")
    node.start()
    try:
        token = run(node, PREPARE.format(url=receiver.url))
        assert put(node, token, "alone") == 201
        time.sleep(2)
        assert (run(node, LEADER), receiver.got) == ("", [])  # nobody does it
        command = [sys.executable, "-c", "from kybern.cli import main; main()", "work", "--data", str(node.data)]
        environment = {name: value for name, value in node.environment.items() if name != "KYBERN_JOBS"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as worker:
            taken = until(lambda: subjects(receiver) == ["role:alone"], 20)
            led = run(node, LEADER)
            worker.send_signal(signal.SIGTERM)
            told, _ = worker.communicate(timeout=20)
        assert taken, told
        assert (pid_of(led), worker.returncode) == (worker.pid, 0)
        assert run(node, LEADER) == ""  # it gave the lease back
    finally:
        node.kill()
