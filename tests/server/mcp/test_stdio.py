"""`kybern mcp` as an assistant starts it: a program, its standard input and output, and a server that really listens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from chaos_node import free_port
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_node import Running

from kybern.client import AsyncKybern, Kybern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = [sys.executable, "-c", "from kybern.cli import main; main()"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("mcp"), records=False)
    yield made
    made.node.kill()


def start(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, "mcp", *words], input="", capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_assistant_starts_it_and_asks(running: Running, mode: str) -> None:
    file = running.token_file("records.read", "records.write", "assessment.read")
    parameters = StdioServerParameters(
        command=PROGRAM[0],
        args=[*PROGRAM[1:], "mcp", "--url", running.url, "--token-file", str(file), "--allow-writes"],
        env=dict(os.environ),
    )

    async def ask() -> tuple[set[str], Any, Any]:
        async with Client(parameters, mode=mode) as client:
            tools = {one.name for one in (await client.list_tools()).tools}
            content = {"title": "Keeper", "responsibilities": ["Keeps."]}
            made = await client.call_tool("put_record", {"ref": f"role:{mode}", "content": content, "reason": "A first role"})
            return tools, made, await client.call_tool("find_records", {"kind": "role"})

    tools, made, found = anyio.run(ask)
    assert "put_record" in tools
    assert "remove_record" not in tools
    assert not made.is_error, made.content
    assert f"role:{mode}" in {one["ref"] for one in found.structured_content["items"]}


def test_both_clients_ask_a_server_that_listens(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("httpx", "httpcore"):  # the server's settings, which the tests have, keep them quiet
        caplog.set_level("DEBUG", name)
    token = running.token("records.read")
    with Kybern(running.url, token) as client:
        here = client.me()
        kinds = client.kinds()

    async def ask() -> tuple[Any, Any]:
        async with AsyncKybern(running.url, token) as client:
            return await client.me(), await client.kinds()

    assert anyio.run(ask) == (here, kinds)
    assert set(here.permissions) == {"records.read"}
    assert "/api/v1/kinds" in caplog.text
    assert "send_request_headers" in caplog.text
    assert token not in caplog.text


def test_it_says_what_hinders_it_and_never_the_token(running: Running, tmp_path: Path) -> None:
    good = running.token_file("records.read", mode=0o644)
    bad = tmp_path / "bad"
    bad.write_text("kyb_" + "x" * 40, encoding="utf-8")
    broken = tmp_path / "broken"
    broken.write_text("kyb_one\nkyb_two", encoding="utf-8")
    closed = f"http://127.0.0.1:{free_port()}"
    cases = {
        "no-token": ("--url", running.url, "--token-file", str(tmp_path / "nowhere")),
        "address": ("--url", "http://kybern.example.org", "--token-file", str(good)),
        "no-answer": ("--url", running.url, "--token-file", str(bad)),
    }
    for rule, words in (
        *cases.items(),
        ("address", ("--url", running.url, "--token-file", str(broken))),
        ("no-answer", ("--url", closed, "--token-file", str(good))),
    ):
        done = start(*words)
        assert (done.returncode, f"[{rule}]" in done.stderr, done.stdout) == (2, True, ""), done.stderr
        assert not re.search(r"kyb_\w{3}|Traceback", done.stderr)
    fine = start("--url", running.url, "--token-file", str(good), "--allow-writes")
    assert fine.returncode == 0, fine.stderr
    assert "chmod 600" in fine.stderr
    assert "no tools that write" in fine.stderr
    assert fine.stdout == ""
