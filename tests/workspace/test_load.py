"""Loading a governance repository: what it states and where, and everything that is refused, at its place, in plain words."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.base import InputError, Problem
from kybern.records import Record
from kybern.workspace import find_root, load_workspace, parse_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Repository

BOMB = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))])


def problems(repo: Repository) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        load_workspace(repo.root)
    return caught.value.problems


def told(repo: Repository) -> list[tuple[str, str]]:
    return [(problem.rule, str(problem.place)) for problem in problems(repo)]


def test_records_of_every_form_of_file_are_read_with_their_places(repo: Repository) -> None:
    workspace = load_workspace(repo.root)
    assert [record.ref for record in workspace.records] == ["organization:acme", "person:ada", "role:officer", "ai_system:credit"]
    assert workspace.settings.frameworks == ("ISO42001", "NIST_AI_RMF")
    assert str(workspace.places.of("role:officer", ("holders", 0))) == "records/people/people.yml:9:11"
    assert str(workspace.places.of("ai_system:credit", ("stage",))) == "records/systems.yaml:11:10"
    assert str(workspace.places.of("ai_system:credit", ("stage",), key=True)) == "records/systems.yaml:11:3"
    assert workspace.places.file("person:ada") == "records/people/people.yml"


def test_the_digest_names_the_state(repo: Repository) -> None:
    first = load_workspace(repo.root).digest
    assert load_workspace(repo.root).digest == first
    repo.write("records/systems.yaml", (repo.root / "records/systems.yaml").read_text() + "  # a comment states nothing\n")
    assert load_workspace(repo.root).digest == first
    repo.write("kybern.yaml", "kybern: 1\nframeworks: [ISO42001]\n")
    assert load_workspace(repo.root).digest != first


def test_a_folder_that_links_to_itself_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError):
        find_root(tmp_path / "loop")


def test_the_root_is_found_from_below(repo: Repository) -> None:
    assert find_root(repo.root / "records" / "people") == repo.root.resolve()


def test_without_a_workspace_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find_root(tmp_path)
    (problem,) = caught.value.problems
    assert problem.rule == "no-workspace"
    assert problem.place.file == str(tmp_path)
    assert "kybern init" in problem.hint


def test_other_files_are_not_records(repo: Repository) -> None:
    for name in ("keys.yaml", "evidence/a.yaml", "documents/x.yaml", ".kybern/x.yaml", "records/README.md", "records/.#lock.yaml"):
        repo.write(name, b"\0 not yaml")
    assert len(load_workspace(repo.root).records) == 4


def test_a_workspace_without_records_is_empty(tmp_path: Path) -> None:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    assert len(load_workspace(tmp_path).records) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kybern: 2\n", ("unknown-value", "kybern.yaml:1:9", "kybern cannot be 2.")),
        ("kybern: 1\nframework: [X]\n", ("unknown-field", "kybern.yaml:2:1", "kybern.yaml has no field framework.")),
        ("kybern: 1\nframeworks: []\n", ("wrong-length", "kybern.yaml:2:13", "frameworks needs at least 1 item.")),
        ("kybern: 1\n---\nkybern: 1\n", ("one-document", "kybern.yaml:3:1", "kybern.yaml holds 2 documents.")),
        ("", ("empty-file", "kybern.yaml", "The file is empty.")),
    ],
)
def test_settings_are_checked(repo: Repository, text: str, expected: tuple[str, str, str]) -> None:
    repo.write("kybern.yaml", text)
    assert [(problem.rule, str(problem.place), problem.message) for problem in problems(repo)] == [expected]


@pytest.mark.parametrize(
    ("data", "rule", "place", "message"),
    [
        (b"", "empty-file", "records/x.yaml", "The file is empty."),
        (b"\x7fELF\x02\x00\x01", "binary", "records/x.yaml:1:6", "The file is binary: it holds a NUL byte."),
        (b"kind: person\nid: m\xfcller\n", "not-utf8", "records/x.yaml:2:6", "The file is not UTF-8: byte 0xfc cannot stand here."),
        (BOMB.encode(), "too-many-values", "records/x.yaml:7:10", "More than 2,000,000 values, aliases written out."),
        (b"[" * 100_000, "too-deep", "records/x.yaml:1:65", "Nested more than 64 deep."),
        (b"- 3\n", "not-a-record", "records/x.yaml:1:3", "A record is a mapping of fields."),
        (b"id: x\n", "missing-field", "records/x.yaml:1:1", "The field kind is missing."),
        (b"kind: [a]\n", "unknown-kind", "records/x.yaml:1:7", 'There is no record kind ["a"].'),
        (b"kind: person\nid: ada\ntitle: A\n", "duplicate-id", "records/x.yaml:2:5", "person:ada is stated twice."),
    ],
)
def test_a_bad_file_is_refused_at_its_place(repo: Repository, data: bytes, rule: str, place: str, message: str) -> None:
    repo.write("records/x.yaml", data)
    (problem,) = problems(repo)
    assert (problem.rule, str(problem.place), problem.message) == (rule, place, message)


def test_a_duplicate_names_the_other_place(repo: Repository) -> None:
    repo.write("records/x.yaml", "kind: person\nid: ada\ntitle: A\n")
    assert problems(repo)[0].hint == "It is first at records/people/people.yml:2:5: keep one."


@pytest.mark.parametrize(
    ("line", "rule", "column", "message", "hint"),
    [
        ("titel: B", "unknown-field", 1, "A record of kind document has no field titel.", "Did you mean title?"),
        ("type: polisy", "unknown-value", 7, "type cannot be polisy.", "Did you mean policy?"),
        ("version: 1.0", "wrong-type", 10, "version needs text, not 1.0.", 'Put it in quotes: "1.0".'),
        ("approved_on: 2026-13-01", "wrong-type", 14, "approved_on needs a date, not the text '2026-13-01'.", "Write it like 2026-11-20."),
        ("approved_on: 20260101", "wrong-type", 14, "approved_on needs a date, not 20260101.", "Write it like 2026-11-20."),
        ("tags: legal", "wrong-type", 7, "tags needs a list, not the text 'legal'.", "Write each item on its own line after a dash."),
        ("tags: [Legal]", "wrong-form", 8, "tags[0] is not a short name: Legal.", None),
        ("owner: model:x", "wrong-kind", 8, "owner names a record of kind model; it needs role or person.", "Write it like role:name."),
        ("owner: Ada Love", "wrong-form", 8, "owner does not name a record: Ada Love.", "Write it like role:ada-love."),
        ("review_every: 1y", "wrong-form", 15, "review_every is not a time in days: 1y.", "Write it like P365D."),
        ("description: ''", "wrong-length", 14, "description needs at least 1 character.", "Write something, or leave the field out."),
        ("of:", "wrong-type", 4, "of is empty; it needs a list.", None),
        ("language: {a: 1}", "wrong-type", 11, "language needs text, not a mapping.", None),
    ],
)
def test_a_wrong_field_is_told_in_plain_words(  # noqa: PLR0913, PLR0917 - one column a parameter
    repo: Repository, line: str, rule: str, column: int, message: str, hint: str | None
) -> None:
    kind = "" if line.startswith("type:") else "type: policy\n"
    repo.write("records/x.yaml", f"kind: document\nid: d\ntitle: D\n{kind}{line}\n")
    (problem,) = problems(repo)
    assert (problem.rule, problem.message, problem.place.column) == (rule, message, column)
    assert problem.place.line == (4 if not kind else 5)
    assert hint is None or problem.hint == hint


def test_truth_is_true_or_false_only(repo: Repository) -> None:
    repo.write("records/x.yaml", "kind: person\nid: bo\ntitle: Bo\nexternal: yes\n")
    (problem,) = problems(repo)
    assert (problem.message, problem.hint) == ("external needs true or false, not the text 'yes'.", "Write true.")


def test_parts_are_checked_where_they_stand(repo: Repository) -> None:
    repo.write("records/x.yaml", "kind: scope\nid: s\ntitle: S\nstatement: x\nexclusions:\n  - wat: x\n    justification: y\n  - 3\n")
    assert [(problem.rule, str(problem.place), problem.message) for problem in problems(repo)] == [
        ("unknown-field", "records/x.yaml:6:5", "exclusions[0] has no field wat."),
        ("missing-field", "records/x.yaml:6:5", "The field exclusions[0].what is missing."),
        ("wrong-type", "records/x.yaml:8:5", "exclusions[1] needs a mapping, not 3."),
    ]


def test_a_rule_of_the_model_is_told_at_the_record(repo: Repository) -> None:
    text = "kind: indicator\nid: i\ntitle: I\ncategory: drift\nmetric: m\ndefinition: d\nunit: u\nmeasure_every: P1D\nwhy_these_bounds: w\n"
    repo.write("records/x.yaml", text)
    (problem,) = problems(repo)
    assert str(problem.place) == "records/x.yaml:1:1"
    assert problem.message.startswith("An indicator needs a minimum or a maximum")


def test_every_rule_of_form_is_in_the_handbook() -> None:
    root = Path(__file__).parents[2]
    sources = [root / "src" / "kybern" / name for name in ("base/_faults.py", "workspace/_translate.py")]
    rules = {rule for source in sources for rule in re.findall(r'Said\("([a-z-]+)"', source.read_text(encoding="utf-8"))}
    page = (root / "docs" / "handbook" / "lint-rules.md").read_text(encoding="utf-8").split("## What is refused before any rule")[1]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == rules


def test_an_unknown_kind_gets_a_suggestion_only_if_one_is_clearly_closest(repo: Repository) -> None:
    repo.write("records/x.yaml", "- {kind: persn}\n- {kind: zzz}\n")
    first, second = problems(repo)
    assert first.hint == "Did you mean person?"
    assert second.hint.startswith("The kinds are agent, ai_system, ")


def test_all_problems_of_all_files_are_told_at_once(repo: Repository) -> None:
    repo.write("kybern.yaml", "kybern: 1\nx: 1\n")
    repo.write("records/a.yaml", "")
    repo.write("records/b.yaml", "kind: nope\n---\nkind: person\nid: B\n")
    repo.write("records/c.yaml", "a: b: c")
    assert told(repo) == [
        ("unknown-field", "kybern.yaml:2:1"),
        ("empty-file", "records/a.yaml"),
        ("unknown-kind", "records/b.yaml:1:7"),
        ("missing-field", "records/b.yaml:3:1"),
        ("wrong-form", "records/b.yaml:4:5"),
        ("yaml-syntax", "records/c.yaml:1:5"),
    ]


def test_a_file_of_100_mb_is_refused_without_reading_it(repo: Repository) -> None:
    path = repo.write("records/big.yaml", "")
    os.truncate(path, 100 * 1024 * 1024)
    start = time.process_time()
    (problem,) = problems(repo)
    assert time.process_time() - start < 0.5
    assert (problem.rule, str(problem.place)) == ("too-large", "records/big.yaml")
    assert problem.message == "The file has 104,857,600 bytes; at most 10,485,760 are read."


@pytest.mark.parametrize("data", [b"- 3\n" * 200_000, b"kind: person\n" + b"".join(b"x%d: 1\n" % n for n in range(50_000))])
def test_a_file_of_mistakes_only_is_told_in_part_and_soon(repo: Repository, data: bytes) -> None:
    repo.write("records/x.yaml", data)
    start = time.process_time()
    assert 100 <= len(problems(repo)) <= 1100
    assert time.process_time() - start < 4


def test_links_are_refused_and_those_that_lead_outside_say_so(repo: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.yaml").write_text("kind: person\nid: eve\ntitle: Eve\n")
    (repo.root / "records/out.yaml").symlink_to(outside / "secret.yaml")
    (repo.root / "records/folder").symlink_to(outside)
    (repo.root / "records/in.yaml").symlink_to(repo.root / "records/systems.yaml")
    (repo.root / "records/loop.yaml").symlink_to(repo.root / "records/loop.yaml")
    found = {str(problem.place): (problem.rule, problem.message) for problem in problems(repo)}
    assert found["records/out.yaml"] == found["records/folder"] == ("outside", "This link leads outside the workspace.")
    assert found["records/in.yaml"][0] == "symlink"
    assert set(found) == {"records/out.yaml", "records/folder", "records/in.yaml", "records/loop.yaml"}


@pytest.mark.parametrize("name", ["records", "kybern.yaml"])
def test_the_folder_and_the_settings_may_not_be_links(repo: Repository, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / name
    (repo.root / name).rename(elsewhere)
    (repo.root / name).symlink_to(elsewhere)
    assert told(repo) == [("outside", name)]


def test_what_is_not_a_file_is_refused(repo: Repository) -> None:
    os.mkfifo(repo.root / "records/pipe.yaml")
    assert told(repo) == [("not-a-file", "records/pipe.yaml")]


def test_names_that_cannot_be_shown_are_refused(repo: Repository) -> None:
    repo.write("records/a\x1b[31m.yaml", "kind: person\n")
    (problem,) = problems(repo)
    assert problem.rule == "file-name"
    assert "\x1b" not in str(problem)


def test_records_of_bytes_are_read_the_same_way() -> None:
    (record,) = parse_records(b"kind: person\nid: a\ntitle: A\n", "x.yaml")
    assert record.ref == "person:a"
    with pytest.raises(InputError) as caught:
        parse_records(b"kind: person\nid: a\n", "x.yaml")
    assert str(caught.value.problems[0].place) == "x.yaml:1:1"


RECORDS = b"""\
- kind: role
  id: officer
  title: AI officer
  responsibilities: [a, b]
  holders: &h [person:ada]
  reports_to: role:chief
  review_every: P365D
  reviewed_on: 2026-01-01
- kind: ai_system
  id: credit
  gates: [{gate: design, on: 2025-01-01, by: person:ada}]
  personal_data: true
- kind: indicator
  minimum: 0.5
  category: drift
"""


@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(RECORDS)), st.integers(0, 12), st.sampled_from([*'[]{}:-&*!|>"#\n ,1aé', "*h", "null", "true"])),
        max_size=5,
    )
)
@settings(max_examples=300, deadline=None)
def test_any_mutation_of_records_gives_records_or_an_input_error(edits: list[tuple[int, int, str]], cpu: Callable[..., float]) -> None:
    data = RECORDS
    for at, cut, put in edits:
        data = data[:at] + put.encode() + data[at + cut :]
    assert all(problem.place.file == "x.yaml" for problem in refusal(data))
    assert cpu(lambda: refusal(data), 1) < 1


def refusal(data: bytes) -> tuple[Problem, ...]:
    """What is said against the records; nothing if they are read."""
    try:
        parse_records(data, "x.yaml")
    except InputError as error:
        return error.problems
    return ()


FIELD_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just("role:x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["risk", "ai_system", "scope", "incident", "management_review", "person"]), st.data())
@settings(max_examples=200, deadline=None)
def test_any_value_of_any_field_gives_a_record_or_plain_words(kind: str, data: st.DataObject) -> None:
    fields = data.draw(st.dictionaries(st.sampled_from(sorted(Record.registry[kind].model_fields)), FIELD_VALUES, max_size=6))
    text = json.dumps({**fields, "kind": kind}, ensure_ascii=False)
    assert all(problem.message.endswith(".") and "Input should" not in problem.message for problem in refusal(text.encode()))
