"""The examples of the handbook's pages on client and assistants, run against a server that listens, as they stand there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_node import Running

import kybern.client
from kybern.client._operations import Operations
from kybern.evidence import PrivateKey
from kybern.mcp import MOST, server_for

if TYPE_CHECKING:
    from collections.abc import Iterator

HANDBOOK = Path(__file__).parents[3] / "docs" / "handbook"
SHOWN = "http://127.0.0.1:8042"


def page(name: str) -> str:
    return (HANDBOOK / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page(name), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("handbook"))
    yield made
    made.node.kill()


def test_the_clients_examples_run_as_they_stand(running: Running, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "one.dsse.json").write_bytes(stranger())
    found = blocks("client.md", "python")
    script = "\nprint('--- cut ---')\n".join(found).replace(SHOWN, running.url)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "KYBERN_TOKEN": running.token()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, records, taken, why, titles = done.stdout.split("--- cut ---\n")
    assert re.search(r"^ISO42001: \d+% covered, [1-9]\d* controls open$", first, re.MULTILINE)
    assert re.search(r"^[A-Z]{3}-\d+ .* owed by .+$", first, re.MULTILINE)
    assert "somebody was quicker: True" in records
    assert "/owner broken-reference" in records
    assert "risk:" in records
    assert taken.startswith("0 accepted, 0 known, ['")
    assert "owed by" in why
    assert re.search(r"^(deny|allow|require_approval) \('[a-z-]+: ", why, re.MULTILINE)
    assert len(json.loads(titles.replace("'", '"'))) == 3


def stranger() -> bytes:
    from datetime import UTC, datetime

    from kybern.catalog import PredicateType
    from kybern.evidence import PREDICATES, Subject, parse_predicate, sign, statement

    at = datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    said = {"topic": "t", "observed_at": at, "collector": {"name": "tests", "version": "1"}, "suite": "s", "passed": 1, "failed": 0}
    return sign(statement(parse_predicate(PREDICATES[PredicateType.TEST_RUN], said), [Subject("role:x", "0" * 64)]), PrivateKey.generate())


def test_the_clients_page_names_every_operation_and_every_error() -> None:
    text = page("client.md")
    operations = [name for name in vars(Operations) if not name.startswith("_")]
    assert len(operations) > 25
    assert [name for name in operations if not re.search(rf"\b{name}\b", text)] == []
    errors = [name for name, one in vars(kybern.client).items() if isinstance(one, type) and issubclass(one, kybern.client.KybernError)]
    assert [name for name in errors if f"`{name}`" not in text] == []


def test_the_setting_up_of_an_assistant_is_as_the_page_has_it(running: Running) -> None:
    [block] = blocks("mcp.md", "json")
    said = json.loads(block)["mcpServers"]["kybern"]
    shown = {SHOWN: running.url, "/home/me/.kybern-token": str(running.token_file("records.read", "evidence.read", "assessment.read"))}
    given = [shown.get(one, one) for one in said["args"]]
    assert len(set(given) - set(said["args"])) == 2
    parameters = StdioServerParameters(
        command=sys.executable, args=["-c", "from kybern.cli import main; main()", *given], env=dict(os.environ)
    )

    async def ask() -> Any:
        async with Client(parameters) as client:
            return await client.call_tool("whats_missing", {"framework": "ISO42001", "limit": 3})

    told = anyio.run(ask)
    assert not told.is_error, told.content
    assert len(told.structured_content["items"]) == 3


def test_the_page_names_every_tool_and_no_other() -> None:
    async def tools() -> set[str]:
        async with kybern.client.AsyncKybern("https://kybern.example.org", "kyb_x") as client:
            server = server_for(client, "https://kybern.example.org", permissions=("records.write", "records.delete"), allow_writes=True)
            return {one.name for one in await server.list_tools()}

    told = set(re.findall(r"^\| `([a-z_]+)`", page("mcp.md"), re.MULTILINE))
    assert told == anyio.run(tools)
    assert f"{MOST:,} characters" in page("mcp.md")
