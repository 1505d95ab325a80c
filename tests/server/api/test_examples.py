"""The examples of the handbook's page on the API, run by a shell and by Python against a server, as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos_node import KYBERN, Node, ask, environment
from server_world import EXAMPLE

from kybern.catalog import PredicateType
from kybern.evidence import PREDICATES, PrivateKey, Subject, parse_predicate, sign, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "handbook" / "api.md").read_text("utf-8")
CUT = "echo '--- cut ---'\n"


@dataclass(frozen=True)
class Served:
    """A server that answers, a token of its administrator, and the key of a pipeline that it trusts."""

    port: int
    token: str
    key: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the example's records, as `kybern up` starts it."""
    node = Node(tmp_path_factory.mktemp("api") / "data")
    call = [*KYBERN, "up", "--data", str(node.data), "--from", str(EXAMPLE), "--prepare-only"]
    subprocess.run(call, env=environment(), check=True, capture_output=True, timeout=120)
    made = node.beside("make")
    node.start()
    yield Served(node.port, made["token"], made["key"])
    node.kill()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def envelope_of_a_pipeline(served: Served, folder: Path) -> None:
    """Sign a test run of an AI system as it stands."""
    digest = ask(served.port, "GET", "/api/v1/records/ai_system/service-assistant", token=served.token).json["digest"]
    observed = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    said = {"topic": "validation-test", "observed_at": observed, "collector": {"name": "tests", "version": "1"}}
    predicate = parse_predicate(PREDICATES[PredicateType.TEST_RUN], {**said, "suite": "validation", "passed": 10, "failed": 0})
    envelope = sign(statement(predicate, [Subject("ai_system:service-assistant", digest)]), PrivateKey.from_pem(served.key.encode()))
    folder.mkdir(parents=True)
    (folder / "piece.dsse.json").write_bytes(envelope)


def test_every_operation_is_told_by_where_it_lies_and_no_other(served: Served) -> None:
    paths = ask(served.port, "GET", "/api/v1/openapi.json").json["paths"]
    table = PAGE.partition("\n\n## ")[0]
    told = {name for cell in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", cell)}
    assert told == {re.split(r"[/:]", path.removeprefix("/api/v1/"))[0] for path in paths}


def test_the_examples_in_the_shell_do_what_the_page_says(served: Served, tmp_path: Path) -> None:
    missing = [name for name in ("sh", "curl", "jq", "sed", "find") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not here: {', '.join(missing)}")
    script = "set -eu\n" + CUT.join(blocks("sh"))
    for shown, real in {"http://127.0.0.1:8042": f"http://127.0.0.1:{served.port}", "kyb_…": served.token}.items():
        assert script.count(shown) == 1
        script = script.replace(shown, real)
    envelope_of_a_pipeline(served, tmp_path / "evidence" / "tested")
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)  # noqa: S607 - POSIX has a sh
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    kinds, listed, read, patched, put, deleted, again, bulk, taken, told, status, problem = done.stdout.split("--- cut ---\n")
    assert re.search(r"^\d+ ai_system$", kinds, re.MULTILINE)
    rows = listed.splitlines()
    assert len(rows) == len(set(rows)) > 8, "the list has more than one page"
    assert all(row.startswith("risk:") for row in rows)
    assert read.splitlines()[1:] == ["1", "person:administrator", "304"]
    assert ('"act": "changed"' in patched, '"act": "added"' in put, '"act": "removed"' in deleted) == (True, True, True)
    assert again == "added\n"
    assert [line.count('"act":"added"') for line in bulk.splitlines()] == [1, 1]
    assert taken == '{"accepted":1,"known":0,"refused":0}\n'
    assert re.fullmatch(r"(?:\d+ org\.kybern\.[a-z.]+ \S+\n){3}", told), told
    assert re.fullmatch(r"ISO42001 \d+%, \d+ gaps\nNIST_AI_RMF \d+%, \d+ gaps\n(?:[A-Z]{3}-\d\d .+: .+\n){3}", status), status
    assert ("urn:kybern:problem:unusable-input" in problem, "broken-reference" in problem, "/owner" in problem) == (True, True, True)


def test_the_example_in_python_does_what_the_page_says(served: Served) -> None:
    (program,) = blocks("python")
    given = {**os.environ, "KYBERN": f"http://127.0.0.1:{served.port}", "TOKEN": served.token}
    done = subprocess.run([sys.executable, "-c", program], env=given, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    first, *others = done.stdout.splitlines()
    assert re.fullmatch(r"changed \d+", first)
    assert others
    assert all(one.startswith("risk:") for one in others)


def test_every_slug_of_a_problem_is_one_that_the_server_gives() -> None:
    table = PAGE.partition("\n## Problems\n")[2]
    told = {slug for cell in re.findall(r"^\| [0-9, ]+ \| (.*?) \|", table, re.MULTILINE) for slug in re.findall(r"`([a-z-]+)`", cell)}
    code = "".join(path.read_text("utf-8") for path in (ROOT / "src" / "kybern" / "server").rglob("*.py"))
    assert len(told) > 15
    assert [slug for slug in sorted(told) if f'"{slug}"' not in code] == []
