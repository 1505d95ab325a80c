"""What holds for the project as a whole: its files, its locks, its rooms, its first second."""

from __future__ import annotations

import functools
import os
import re
import resource
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "kybern"

MADE = {"build", "dist", "evidence", "__pycache__"}
"""Folders of what runs make, beside those whose name starts with a dot."""

KEPT = {".ci", ".gitignore", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml"}
"""What starts with a dot and is part of the project all the same."""

LONG_MODULES: dict[str, str] = {
    "src/kybern/report/pack/verify.py": "an auditor reads and runs it as one file, beside which there is nothing else of ours; "
    "it checks JSON, archive, keys, evidence, log, witnesses, time-stamps and change sets, each in a section of its own",
}
"""Modules of more than 500 lines, with the argument for their length."""

HEAVY = {"cryptography", "jinja2", "numpy", "pydantic", "ruamel", "securesystemslib", "sklearn", "yaml"}
"""What the start of the program must not import. Typer draws its help with rich."""


def files(*folders: str) -> Iterator[Path]:
    """Every file of the project, or of some of its folders."""
    for start in folders or (".",):
        for here, below, names in os.walk(ROOT / start):
            below[:] = sorted(name for name in below if name in KEPT or not (name.startswith(".") or name in MADE))
            yield from (Path(here, name) for name in sorted(names) if name in KEPT or not name.startswith("."))


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# The patterns below are put together from pieces, so that this file does not hold what it looks for.


def test_no_file_names_a_package_index() -> None:
    pieces = ("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.(?:org|com)", "--(?:extra-)?index" + "-url[ =]")
    hosts = re.compile("|".join(pieces))
    assert [named(path) for path in files() if hosts.search(text_of(path))] == []


def test_no_file_takes_a_vendors_name() -> None:
    # Between letters, digits or the signs of base64 it is a piece of something else.
    vendor = re.compile("(?<![A-Za-z0-9+/])ai" + "gn(?![A-Za-z0-9+/=])", re.IGNORECASE)
    assert [named(path) for path in files() if vendor.search(text_of(path))] == []


def test_every_exemption_from_a_lint_rule_is_argued() -> None:
    lint = r"^\[tool\.ruff\.lint\]\n(.*?)^\[tool\.ruff\.lint\.pydocstyle\]"
    section = re.search(lint, text_of(ROOT / "pyproject.toml"), re.MULTILINE | re.DOTALL)
    assert section is not None
    exemptions = re.findall(r'^\s+"[A-Z]+\d*",?.*$', section.group(1), re.MULTILINE)
    assert len(exemptions) == sum(map(len, (ruff()["ignore"], *ruff()["per-file-ignores"].values())))
    assert [line for line in exemptions if not re.search(r"# \S+ \S", line)] == []


def ruff() -> dict[str, Any]:
    found: dict[str, Any] = pyproject()["tool"]["ruff"]["lint"]
    return found


def test_no_module_is_longer_than_500_lines_without_an_argument() -> None:
    modules = (path for path in files("src", "tests", "tools", "benchmarks", "examples") if path.suffix == ".py")
    long = {named(path) for path in modules if len(text_of(path).splitlines()) > 500}
    assert long == set(LONG_MODULES)


def test_the_changelog_tells_of_this_version() -> None:
    versions = re.findall(r"^## \[([0-9.]+)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == pyproject()["project"]["version"]


# Rooms


def test_the_contract_knows_every_room() -> None:
    layers = next(contract["layers"] for contract in pyproject()["tool"]["importlinter"]["contracts"] if contract["type"] == "layers")
    assert set(layers) == {f"kybern.{path.parent.name}" for path in SOURCE.glob("*/__init__.py")}


def test_imports_keep_to_the_contracts() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache", "--config", "pyproject.toml"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_only_the_shells_read_the_clock() -> None:
    clock = re.compile(r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.time(?:_ns)?|timezone\.(?:now|localdate))\(")
    reading = [path for path in files("src/kybern") if path.suffix == ".py" and clock.search(text_of(path))]
    assert {path.relative_to(SOURCE).parts[0] for path in reading} == {"cli", "server"}, list(map(named, reading))


# Locks


def pins(name: str) -> dict[str, str]:
    """What a lock pins: each line that names a package, with its hashes."""
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=[a-z0-9])", text_of(ROOT / "requirements" / name)):
        head = block.split(" \\\n")[0]
        found[head] = " ".join(sorted(set(re.findall(r"--hash=sha256:[0-9a-f]{64}", block))))
    return found


@pytest.mark.parametrize("name", ["run.txt", "dev.txt", "pip.txt"])
def test_a_lock_pins_everything_with_hashes(name: str) -> None:
    found = pins(name)
    assert found
    assert [head for head, hashes in found.items() if "==" not in head or not hashes] == []


def test_what_serves_the_tests_serves_a_run() -> None:
    # tools/setup.sh relies on it: after the packages for tests it does not install those for running.
    assert pins("run.txt").items() <= pins("dev.txt").items()


def test_the_locks_pin_what_the_project_asks_for() -> None:
    asked = [*pyproject()["project"]["dependencies"], *pyproject()["project"]["optional-dependencies"]["example"]]
    names = {re.split(r"[<>=!~\[; ]", line)[0].lower().replace(".", "-") for line in asked}
    assert names <= {head.split("==")[0] for head in pins("run.txt")}


# Make and its shell


def test_make_help_tells_of_every_target() -> None:
    text = text_of(ROOT / "Makefile")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets is not None
    assert set(re.findall(r"^([a-z]+): ## \w", text, re.MULTILINE)) == set(targets.group(1).split())


def setup_with(tmp_path: Path, interpreter: Path | str) -> subprocess.CompletedProcess[str]:
    for name in ("tools", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    env = {**os.environ, "PYTHON": str(interpreter)}
    return subprocess.run(["sh", "tools/setup.sh", "run"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)  # noqa: S607 - POSIX has a sh


def test_setup_without_an_interpreter_says_so(tmp_path: Path) -> None:
    done = setup_with(tmp_path, "/nonexistent/python")
    assert (done.returncode, done.stdout) == (2, "")
    assert "/nonexistent/python does not run, or is not Python 3.11, 3.12 or 3.13" in done.stderr


def test_setup_says_which_package_is_missing_where_no_environment_can_be_made(tmp_path: Path) -> None:
    bare = tmp_path / "bin" / "python"
    bare.parent.mkdir()
    bare.write_text(f'#!/bin/sh\ncase "$2" in *ensurepip* | *pip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    done = setup_with(tmp_path, bare)
    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_setup_leaves_alone_what_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "mine").touch()
    done = setup_with(tmp_path, sys.executable)
    assert done.returncode == 2
    assert "move it away" in done.stderr
    assert (tmp_path / ".venv" / "mine").exists()


# Documentation


def prose() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def anchors(path: Path) -> set[str]:
    """Anchors of a page's headings, as code hosts make them."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path: Path) -> Iterator[str]:
    text = re.sub(r"^(```|~~~).*?^\1", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
    bare = re.sub(r"`[^`\n]*`", "", text)
    for target in (*re.findall(r"\]\(([^()\s]+)\)", bare), *re.findall(r'\b(?:src|srcset|href)="([^"\s]+)"', bare)):
        if not re.match(r"[a-z]+:", target):
            yield unquote(target)


def broken(path: Path) -> Iterator[str]:
    for link in links(path):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            yield f"{named(path)}: {link} is not there"
        elif anchor and anchor not in anchors(target):
            yield f"{named(path)}: {link} names no heading"


def test_every_link_within_the_project_leads_somewhere() -> None:
    assert sum(len(list(links(path))) for path in prose()) > 20
    assert [complaint for path in prose() for complaint in broken(path)] == []


def test_every_page_of_the_handbook_is_in_its_index() -> None:
    handbook = ROOT / "docs" / "handbook"
    listed = {(handbook / link.partition("#")[0]).resolve() for link in links(handbook / "index.md")}
    assert [path.name for path in handbook.glob("*.md") if path.name != "index.md" and path not in listed] == []


def test_every_decision_is_in_the_list_and_has_its_parts() -> None:
    decisions = ROOT / "docs" / "decisions"
    pages = sorted(decisions.glob("0*.md"))
    assert [page.name for page in pages] == sorted({link for link in links(decisions / "README.md") if link.startswith("0")})
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        assert re.findall(r"^## (.+)$", text_of(page), re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"], page.name


def test_versions_told_in_decisions_are_those_pinned() -> None:
    pinned = {tuple(re.split(r"[= ;]+", head)[:2]) for head in pins("dev.txt")}
    names = {name for name, _ in pinned}
    told = {
        (name.lower().replace(".", "-"), version)
        for page in (ROOT / "docs" / "decisions").glob("0*.md")
        for line in re.findall(r"^(?:Pinned|For tests).*?(?=\n\n)", text_of(page), re.MULTILINE | re.DOTALL)
        for name, version in re.findall(r"([A-Za-z][\w.-]*)`? (\d+(?:\.\d+)+)", line)
    }
    told = {(name, version) for name, version in told if name in names}
    assert len(told) > 10
    assert told <= pinned


# The first second


def start(code: str) -> tuple[float, str]:
    """Run a piece of Python: its CPU seconds, and what it says on standard error."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stderr


HELP = """
import sys
sys.argv = ["kybern", "--help"]
from kybern.cli import main
try:
    main()
except SystemExit as done:
    assert done.code == 0
print(*sys.modules, file=sys.stderr)
"""


YARDSTICK = "total = 0\nfor number in range(10_000_000): total += number * number"
YARD = 1.2
"""Seconds that the yardstick took on the machine where the limit was set; a slower core has as much more time."""


def test_help_comes_at_once() -> None:
    pairs = [(start(HELP)[0], start(YARDSTICK)[0]) for _ in range(3)]
    assert min(took for took, _ in pairs) < 0.6 * max(1.0, min(yard for _, yard in pairs) / YARD)


def test_help_imports_no_heavy_room() -> None:
    loaded = set(start(HELP)[1].split())
    assert "kybern.cli._main" in loaded
    assert {name.split(".")[0] for name in loaded} & HEAVY == set()
    assert {name.split(".")[1] for name in loaded if name.startswith("kybern.")} == {"cli"}
