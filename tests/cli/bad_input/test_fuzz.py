"""The fuzz: a few hundred fixed cases; `HYPOTHESIS_PROFILE=long` runs twenty times as many, chosen at random."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from bad_program import (
    ANSWERS,
    EVIDENCE,
    KEY,
    LINT,
    MERIDIAN,
    ORGANIZATION,
    Said,
    envelope,
    keys,
    on,
    workspace,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kybern.evidence import sign

# --- fuzz ---------------------------------------------------------------------------------------------------------------------------

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def fuzz(number: int) -> settings:
    return settings(
        max_examples=number * (20 if LONG else 1),
        derandomize=not LONG,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


SEEDS = {path.name: path.read_text(encoding="utf-8") for path in sorted((MERIDIAN / "records").glob("*.yaml"))}
MARKS = [
    ": ",
    "- ",
    "---\n",
    "...\n",
    "&a ",
    "*a",
    "<<: *a",
    "!!python/none ",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "|\n",
    ">-\n",
    "#",
    "? ",
    "@",
    "`",
]
ODD = [
    "\t",
    "\0",
    "\x1b[2J",
    "\r",
    "\u2028",
    "\x85",
    "\ufeff",
    "%YAML 1.1\n",
    '"\\ud800"',
    '"\\0"',
    "organization:",
    "../../",
    "kind: role\n",
    "id: a\n",
]
SCALARS = ["~", "null", "true", ".nan", ".inf", "1e999", "0x1F", "9" * 400, "2026-02-30", "0001-01-01", "9999-12-31", "P99999D"]
NOISE = st.one_of(st.text(min_size=1, max_size=12), st.sampled_from([*MARKS, *ODD, *SCALARS]))


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:  # noqa: C901 - one branch a kind of change
    """Change a text a few times: its lines, their indentation, their values, or anything anywhere."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 5))):
        at, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["delete", "double", "swap", "indent", "outdent", "splice", "value", "noise", "cut", "block"]))
        line = lines[at]
        if kind == "delete" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(other, line)
        elif kind == "swap":
            lines[at], lines[other] = lines[other], line
        elif kind == "indent":
            lines[at] = " " * draw(st.integers(1, 4)) + line
        elif kind == "outdent":
            lines[at] = line.lstrip()
        elif kind == "splice":
            lines[at] = line[: draw(st.integers(0, len(line)))] + lines[other]
        elif kind == "value":
            lines[at] = line.partition(":")[0] + ":" + (lines[other].partition(":")[2] if draw(st.booleans()) else " " + draw(NOISE))
        elif kind == "noise":
            cut = draw(st.integers(0, len(line)))
            lines[at] = line[:cut] + draw(NOISE) + line[cut:]
        elif kind == "cut":
            lines[at] = line[: draw(st.integers(0, len(line)))]
        else:
            lines[at:at] = lines[other : other + draw(st.integers(1, 20))]
    return "\n".join(lines) + "\n"


@st.composite
def records(draw: st.DrawFn) -> tuple[str, str]:
    """Change one file of the example's records: its name and the new text. At most a few records are kept, so that many changes meet."""
    name = draw(st.sampled_from(sorted(SEEDS)))
    documents = SEEDS[name].split("\n---\n")
    start = draw(st.integers(0, len(documents) - 1))
    return name, draw(mutated("\n---\n".join(documents[start : start + draw(st.integers(1, 4))])))


def judge(said: Said, command: tuple[str, ...], files: str = r"(records/[a-z-]+\.yaml|kybern\.yaml)") -> None:
    """Exit 2 comes with a place, and nothing on standard output; nothing printed rules the terminal."""
    if said.code == 2:
        assert re.match(rf"{files}(:\d+:\d+)?: error: ", said.err), (command, said.err)
        assert said.out == ""
    assert "\x1b" not in said.out + said.err
    assert "\0" not in said.out + said.err


def put(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for all fuzzing: its files are written anew each time."""
    return workspace(tmp_path_factory.mktemp("fuzz") / "w")


@pytest.fixture(scope="module")
def meridian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the example without most of its evidence, so that an assessment is quick."""
    folder = tmp_path_factory.mktemp("fuzz") / "meridian"
    shutil.copytree(MERIDIAN, folder, ignore=shutil.ignore_patterns("evidence", "pipeline"))
    (folder / "evidence").mkdir()
    for path in sorted(MERIDIAN.rglob("evidence/**/*.dsse.json"))[::10]:
        shutil.copy(path, folder / "evidence")
    return folder


@given(records())
@fuzz(100)
def test_fuzz_lint_of_changed_records(bench: Path, changed: tuple[str, str]) -> None:
    put(bench / "records/a.yaml", changed[1])
    judge(on(bench, LINT), LINT)


@given(records(), st.sampled_from(ANSWERS[:-1]))
@fuzz(30)
def test_fuzz_answers_from_changed_records(meridian: Path, changed: tuple[str, str], command: tuple[str, ...]) -> None:
    name, text = changed
    put(meridian / "records" / name, text)
    try:
        judge(on(meridian, command), command)
    finally:
        (meridian / "records" / name).write_text(SEEDS[name], encoding="utf-8")


@given(st.data())
@fuzz(15)
def test_fuzz_answers_from_records_that_can_still_be_read(meridian: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SEEDS)))
    documents = SEEDS[name].split("\n---\n")
    kept = data.draw(st.lists(st.sampled_from(documents), unique=True, max_size=len(documents)))
    assume(kept)
    refs = sorted(set(re.findall(r"\b[a-z_]+:[a-z0-9-]+\b", "".join(SEEDS.values()))))
    text = "\n---\n".join(kept)
    for _ in range(
        data.draw(st.integers(0, 6))
    ):  # another thing of the same kind is named, a date is far off: it is stated otherwise and still read
        ref = data.draw(st.sampled_from(sorted(set(re.findall(r"\b[a-z_]+:[a-z0-9-]+\b", text))) or ["none"]))
        same = [other for other in refs if other.partition(":")[0] == ref.partition(":")[0]] or ["none"]
        text = text.replace(ref, data.draw(st.sampled_from([*same, f"{ref.partition(':')[0]}:nobody"])))
        text = re.sub(r"\b2026-\d\d-\d\d\b", data.draw(st.sampled_from(["0001-01-01", "9999-12-31", "2026-06-01"])), text, count=1)
    put(meridian / "records" / name, text)
    command = data.draw(st.sampled_from([LINT, *ANSWERS[:-1]]))
    try:
        judge(on(meridian, command), command)
    finally:
        (meridian / "records" / name).write_text(SEEDS[name], encoding="utf-8")


@given(mutated("kybern: 1\nframeworks:\n  - ISO42001\n  - NIST_AI_RMF\n"), st.sampled_from([LINT, ("documents",)]))
@fuzz(40)
def test_fuzz_changed_settings(bench: Path, text: str, command: tuple[str, ...]) -> None:
    put(bench / "records/a.yaml", ORGANIZATION)
    put(bench / "kybern.yaml", text)
    try:
        judge(on(bench, command), command)
    finally:
        (bench / "kybern.yaml").write_text("kybern: 1\n")


@given(mutated(keys().decode()))
@fuzz(60)
def test_fuzz_a_changed_keyring(bench: Path, text: str) -> None:
    put(bench / "keys.yaml", text)
    try:
        judge(on(bench, EVIDENCE[0]), EVIDENCE[0], r"keys\.yaml")
    finally:
        (bench / "keys.yaml").write_bytes(keys())


@given(st.data())
@fuzz(80)
def test_fuzz_changed_envelopes(bench: Path, data: st.DataObject) -> None:
    text = data.draw(mutated(json.dumps(json.loads(envelope()), indent=1)))
    if data.draw(st.booleans()):  # the statement is changed and signed anew, so it is read past the signature
        payload = json.dumps(json.loads(base64.b64decode(json.loads(envelope())["payload"])), indent=1)
        text = sign(data.draw(mutated(payload)).encode("utf-8", "surrogatepass"), KEY).decode()
    put(bench / "evidence/fuzzed.json", text)
    put(bench / "records/a.yaml", ORGANIZATION)
    said = on(bench, EVIDENCE[1])
    judge(said, EVIDENCE[1])
    assert said.code in {0, 1}
    assert (said.code == 1) == ("evidence/fuzzed.json: refused: " in said.out)
    if data.draw(st.integers(0, 19)) == 0:
        assessed = on(bench, ANSWERS[0])
        judge(assessed, ANSWERS[0])
        assert assessed.code == 0
        assert ("refused evidence/fuzzed.json" in assessed.out) == (
            said.code == 1 and "[expired]" not in said.out and "[not-yet-valid]" not in said.out
        )
