"""Names, moments, numbers, places to write to; the installed program."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from bad_program import (
    ANSWERS,
    BOMB,
    KEY,
    LINT,
    MERIDIAN,
    ORGANIZATION,
    PROGRAM,
    huge,
    on,
    refused,
    run,
    state,
)

# --- names, moments, numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "rule", "hint"),
    [
        (("assess", "--framework", "ISO4201"), "unknown-framework", "Did you mean ISO42001"),
        (("gaps", "--framework", "zzz"), "unknown-framework", "`kybern catalog list` shows what there is."),
        (("assess", "--system", "scorin"), "unknown-system", "Did you mean ai_system:scoring?"),
        (("gaps", "--system", "organization:acme"), "unknown-system", "In scope: ai_system:scoring."),
        (("explain", "ISO42001:A.7.44"), "unknown-name", "Did you mean ISO42001:A.7.4"),
        (("explain", "GOV-1"), "unknown-name", "Did you mean GOV-"),
        (("explain", "ISO42001:A.7.4", "--system", "scorin"), "unknown-system", "Did you mean ai_system:scoring?"),
        (("explain", "ISO42001:A.2.2", "--system", "scoring"), "no-bearing", "Ask without --system"),
        (("trace", "ai_system:scorin"), "unknown-name", "Did you mean ai_system:scoring?"),
        (("trace", "\x1b[2J"), "unknown-name", "Give a record"),
        (("evidence", "show", "zz"), "unknown-evidence", "See kybern evidence list"),
        (("evidence", "verify", "zz"), "unknown-evidence", "See kybern evidence list"),
    ],
)
def test_an_unknown_name(root: Path, command: tuple[str, ...], rule: str, hint: str) -> None:
    (root / "records/b.yaml").write_text(system("scoring"))
    said = on(root, command)
    assert (said.code, said.out) == (2, "")
    assert said.err.count(": error: ") == 1
    assert f"[{rule}]\n" in said.err
    assert f"  hint: {hint}" in said.err
    assert "\x1b" not in said.err


def system(name: str) -> str:
    """Take an AI system of the example, under another name and with nothing it refers to."""
    text = (MERIDIAN / "records/systems.yaml").read_text().split("\n---\n")[0]
    kept = [
        line
        for line in text.splitlines()
        if not re.match(r"(owner|models|datasets|suppliers|documents|risk_owner|gates|  - \{gate)\b", line)
    ]
    return "\n".join(kept).replace("id: credit-scoring", f"id: {name}") + "\n"


def test_an_unknown_record_kind() -> None:
    said = run("schema", "rol")
    assert (said.code, said.out) == (2, "")
    assert "[unknown-kind]\n  hint: Did you mean role?" in said.err


@pytest.mark.parametrize("command", [LINT, *ANSWERS])
@pytest.mark.parametrize(
    "moment",
    [
        "nonsense",
        "",
        "2026-02-30",
        "2026-13-01",
        "2026-11-20T09:30:00",
        "0000-01-01",
        "10000-01-01",
        "-1",
        "1e9",
        "2026-11-20T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "٢٠٢٦-11-20",
        "\x1b[2J",
    ],
)
def test_a_moment_there_is_not(root: Path, command: tuple[str, ...], moment: str) -> None:
    refused(root, command, "kybern", "as-of", "--as-of", moment)
    assert "\x1b" not in on(root, command, "--as-of", moment).err


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T14:00:00+14:00", "9999-12-31", "9999-12-31T11:59:59-12:00"],
)
def test_the_first_and_the_last_moment(moment: str) -> None:
    for command in (LINT, ("assess",), ("gaps",), ("explain", "ISO42001:A.7.4")):
        assert run(*command, "-C", MERIDIAN, "--as-of", moment).code in ({0, 1} if command == LINT else {0})


@pytest.mark.parametrize("number", ["nan", "-1", "101", "inf", "-inf", "ten", ""])
def test_a_threshold_that_is_no_percentage(root: Path, number: str) -> None:
    said = run("assess", "-C", root, f"--fail-under={number}")
    assert (said.code, said.out) == (2, "")
    assert "--fail-under" in said.err


# --- places that cannot be written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [".", "nowhere/out", "/dev/full", "kybern.yaml/out"])
@pytest.mark.parametrize("command", [("report", "--html"), ("lint", "--sarif"), ("schema", "--out")])
def test_a_place_that_cannot_be_written(root: Path, command: tuple[str, ...], target: str) -> None:
    before = state(root)
    said = run(*command, root / target, *(() if command[0] == "schema" else ("-C", root)))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"kybern: error: {root / target} cannot be written: ")
    assert said.err.count(": error: ") == 1
    assert state(root) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_what_there_is_no_permission_for(root: Path) -> None:  # pragma: no cover - not as root
    (root / "closed").mkdir(mode=0o500)
    assert run("report", "-C", root, "--html", root / "closed/page.html").code == 2
    (root / "evidence").chmod(0)
    assert "evidence: refused: " in run("evidence", "verify", "-C", root).out
    (root / "evidence").chmod(0o700)
    (root / "records/a.yaml").chmod(0)
    refused(root, LINT, "records/a.yaml", "unreadable")


@pytest.mark.parametrize("files", [["."], ["nowhere.yaml"], ["/etc"], ["/dev/null"]])
def test_what_cannot_be_formatted(files: list[str]) -> None:
    said = run("fmt", *files)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"{files[0]}: error: ")


@pytest.mark.parametrize(
    "fields",
    [
        ("-f", "topic.x=1"),
        ("-f", "collector=7"),
        ("-f", "nothing"),
        ("-f", "title="),
        ("--file", "/dev/null"),
        ("--file", "/nowhere"),
        ("--observed-at", "0001-01-01T00:00:00+14:00"),
        ("--document", "/nowhere"),
        ("--document", "/"),
    ],
)
def test_evidence_that_cannot_be_stated(root: Path, fields: tuple[str, str]) -> None:
    (root / "key.pem").write_bytes(KEY.pem())
    before = state(root)
    given = ("-f", "title=A", "-f", f"sha256={'d' * 64}")
    said = run(
        "evidence",
        "add",
        "document",
        "--about",
        "organization:acme",
        "--topic",
        "ai-policy",
        "--key",
        root / "key.pem",
        *given,
        *fields,
        "-C",
        root,
    )
    assert (said.code, said.out) == (2, ""), said
    assert said.err.count(": error: ") == 1
    assert state(root) == before


# --- the installed program ----------------------------------------------------------------------------------------------------------


def program(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(PROGRAM), *map(str, args)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        env=os.environ | environment,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_the_installed_program_refuses_in_the_same_way(root: Path) -> None:
    (root / "records/b.yaml").write_bytes(BOMB)
    done = program("assess", "-C", root)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("records/b.yaml:7:16: error: ")
    huge(root / "records/b.yaml")
    done = program("lint", "-C", root)
    assert done.returncode == 2
    assert done.stderr.startswith("records/b.yaml: error: The file has 104,857,600 bytes")


def test_the_installed_program_refuses_evidence_and_goes_on(root: Path) -> None:
    (root / "evidence/bad.json").write_bytes(b"\xff\0")
    done = program("assess", "-C", root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "refused evidence/bad.json" in done.stdout
    assert program("evidence", "verify", "-C", root).returncode == 1


def test_a_terminal_that_shows_ascii_only(root: Path) -> None:
    (root / "records/a.yaml").write_text(ORGANIZATION.replace("title: Acme", "title: \u00c4cm\u00e9 \U0001f600"))
    done = program("assess", "-C", root, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("?cm? ?")


def test_a_name_that_is_not_utf8_on_the_command_line(root: Path) -> None:
    done = program("explain", os.fsdecode(b"\xff\xfe"), "-C", root)
    assert done.returncode == 2
    assert "[unknown-name]" in done.stderr
    done = program("lint", "-C", os.fsdecode(b"/nowhere\xff"))
    assert done.returncode == 2
    assert "[no-folder]" in done.stderr


def test_a_reader_that_goes_away(root: Path) -> None:
    with subprocess.Popen(
        [str(PROGRAM), "gaps", "--limit", "0", "-C", str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
