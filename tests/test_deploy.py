"""What is shipped for running the server, held against the server: unit of systemd, file of the container. Neither is built here."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from kybern.cli._main import app
from kybern.server._environment import read_environment
from kybern.server.health import ROUTES
from kybern.server.run import STOP_SECONDS

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "deploy" / "kybern.service"
CONTAINER = ROOT / "Containerfile"
PLAIN = r"[a-z0-9][a-z0-9.-]*(?:/[a-z0-9-]+)*:[\w.-]+"
"""An image by its short name: no registry's host before it, and a tag."""


def parsed(words: list[str]) -> dict[str, object]:
    """Read a call of `kybern up` as the program does; an option that there is not ends the test."""
    assert words[0] == "up"
    command = getattr(typer.main.get_command(app), "commands", {})["up"]
    with command.make_context("up", words[1:]) as context:
        return dict(context.params)


def unit() -> dict[str, list[str]]:
    """Give the settings of the unit: each name with its values in order."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def steps() -> list[tuple[str, str]]:
    """Give the steps of the container's file: the instruction, and what it says, on one line."""
    text = re.sub(r" *\\\n *", " ", CONTAINER.read_text("utf-8"))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in text.splitlines() if line and not line.startswith("#")]


def said(name: str) -> list[str]:
    return [words for instruction, words in steps() if instruction == name]


def test_the_unit_starts_the_server_as_it_can_be_started(tmp_path: Path) -> None:
    found = unit()
    call = shlex.split(found["ExecStart"][0])
    assert call[0].startswith("/")
    assert parsed(call[1:])["host"] == "127.0.0.1"
    told = dict(one.split("=", 1) for one in found["Environment"][0].split())
    assert told["KYBERN_DATA"] == f"/var/lib/{found['StateDirectory'][0]}"
    read_environment({**told, "KYBERN_DATA": str(tmp_path)})
    assert int(found["TimeoutStopSec"][0]) > STOP_SECONDS


def test_the_unit_gives_away_as_little_as_it_can() -> None:
    found = unit()
    wanted = {
        "DynamicUser": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "MemoryDenyWriteExecute": "yes",
        "CapabilityBoundingSet": "",
        "StateDirectoryMode": "0700",
        "UMask": "0077",
    }
    assert {name: found[name][-1] for name in wanted} == wanted


def test_systemd_takes_the_unit_and_finds_it_hard(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace("/opt/kybern/bin/kybern", sys.executable), "utf-8")
    verified = subprocess.run([program, "verify", copy], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run([program, "security", "--offline=true", "--threshold=20", copy], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout[-300:]


def test_the_container_starts_the_server_as_it_can_be_started(tmp_path: Path) -> None:
    call = [word for name in ("ENTRYPOINT", "CMD") for word in json.loads(said(name)[0])]
    assert call[0] == "kybern"
    found = parsed(call[1:])
    assert found["host"] == "0.0.0.0"  # noqa: S104 - what is published of it the container's caller says
    assert said("EXPOSE") == [str(found["port"])]
    told = dict(one.split("=", 1) for one in said("ENV")[-1].split())
    assert said("VOLUME") == [told["KYBERN_DATA"]]
    read_environment({name: value for name, value in told.items() if name.startswith("KYBERN_")} | {"KYBERN_DATA": str(tmp_path)})


def test_the_container_asks_after_its_health_where_the_server_answers() -> None:
    (words,) = said("HEALTHCHECK")
    program = json.loads(words[words.index("[") :])
    compile(program[2], "the health check", "exec")
    address = re.search(r"http://127\.0\.0\.1:(\d+)/([a-z/]+)", program[2])
    assert address is not None
    assert address[1] == said("EXPOSE")[0]
    assert address[2] in {str(route.pattern) for route in ROUTES}


def test_nobody_in_the_container_is_root() -> None:
    order = [name for name, _ in steps()]
    user = said("USER")[-1].partition(":")[0]
    assert user.isdecimal()
    assert int(user) > 1000
    assert order.index("USER") < order.index("ENTRYPOINT")


def test_the_container_is_made_of_what_is_pinned_and_of_what_is_here() -> None:
    images = [words.split()[0] for words in said("FROM")]
    assert all(re.fullmatch(PLAIN, one) and "." not in one.partition("/")[0].partition(":")[0] for one in images), images
    install, own = (words for words in said("RUN") if words.startswith("pip install"))
    assert {"--require-hashes", "--only-binary=:all:", "requirements/run.txt"} <= set(install.split())
    assert {"--no-deps", "--no-build-isolation"} <= set(own.split())
    copied = [word for words in said("COPY") if not words.startswith("--from") for word in words.split()[:-1]]
    assert copied
    assert [one for one in copied if not (ROOT / one).exists()] == []
