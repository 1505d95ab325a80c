"""Every lint rule: a case that it finds, at its place, and a repository on which all are silent."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.base import Place, Problem, Severity
from kybern.workspace import RULES, CatalogIds, SourceLines, lint, load_workspace, render, sarif
from kybern.workspace._cycles import cycles

if TYPE_CHECKING:
    from conftest import Repository

AS_OF = date(2026, 11, 20)
ENTRY = "kind: soa_entry\nid: s\ntitle: No data\nowner: role:officer\nnecessary: true\njustification: Needed.\n"
CATALOG = CatalogIds(
    frozenset({"GOV-01", "RSK-01"}),
    frozenset({"ISO42001:9.2.1", "ISO42001:A.7", "ISO42001:A.7.4", "ISO42001:C.2.5", "NIST_AI_RMF:GOVERN 1"}),
    frozenset({"ISO42001:A.7"}),
    frozenset({"ISO42001:A.7.4"}),
    frozenset({"ISO42001:9.2.1"}),
)
HANDBOOK = Path(__file__).parents[2] / "docs/handbook/lint-rules.md"

POLICY = "kind: policy\nid: p\ntitle: P\ntype: ai\nstatement: s\nowner: role:officer\n"
DOCUMENT = "kind: document\nid: d\ntitle: D\ntype: policy\nowner: role:officer\n"
SCOPE = "kind: scope\nid: s\ntitle: S\nstatement: all\nowner: role:officer\n"
LEFT = "kind: person\nid: bo\ntitle: Bo\nleft_on: 2026-11-20\n"
ROLE = "kind: role\nid: r\ntitle: R\nresponsibilities: [x]\n"
CHIEF = "kind: role\nid: {0}\ntitle: R\nresponsibilities: [x]\nholders: [person:ada]\nreports_to: role:{1}\n"
OBJECTIVE = (
    "kind: objective\nid: o\ntitle: O\nowner: role:officer\ntheme: ISO42001:C.2.55\nmeasure: m\ntarget: t\nactions: a\ndue_on: 2027-01-01\n"
)
WAIVER = (
    "kind: exception\nid: w\ntitle: W\nowner: role:officer\ncontrols: [GOV-01]\nreason: r\ncompensating: c\n"
    "valid_from: 2026-01-01\nexpires_on: 2026-11-{}\napproved_by: person:ada\n"
)
CHANGE = (
    "kind: change\nid: {0}\ntitle: C\nowner: role:officer\naffects: [organization:acme]\npurpose: p\nconsequences: c\n"
    "reassess: none\nrequested_by: person:ada\nrequested_on: 2026-01-01\n"
)
SYSTEM = (
    "kind: ai_system\nid: x\ntitle: X\nowner: role:officer\nrole: deployer\npurpose: p\nuse_case: u\nautonomy: advises\nusers: [us]\n"
    "jurisdictions: [DE]\nstage: operation\nrisk_class: minimal\nfacts:\n"
)
SAFE = "  {exclusions: [], "


def found(repo: Repository, as_of: date = AS_OF) -> list[Problem]:
    return list(lint(load_workspace(repo.root), CATALOG, as_of))


def test_a_sound_repository_has_no_findings(repo: Repository) -> None:
    repo.write("documents/policy.md", "# Policy")
    repo.write("records/x.yaml", f"{POLICY}review_every: P30D\nreviewed_on: 2026-10-21\n---\n{DOCUMENT}path: documents/policy.md\n")
    repo.write("records/y.yaml", f"{SCOPE}systems: [ai_system:credit]\n---\n{WAIVER.format(20)}---\n{LEFT.replace('11-20', '11-21')}")
    assert found(repo) == []


INCIDENT = "kind: incident\nid: i\ntitle: I\nowner: role:officer\nsystems: [ai_system:credit]\nseverity: low\naccount: So.\n"

CASES: dict[str, tuple[str, str, str]] = {
    "broken-reference": (f"{POLICY}approved_by: person:adda\n", "7:14", "There is no record person:adda."),
    "unknown-control": (WAIVER.format(20).replace("GOV-01", "GOV-02"), "5:12", "The catalog has no control GOV-02."),
    "unknown-requirement": (
        OBJECTIVE,
        "5:8",
        "The catalog has no requirement ISO42001:C.2.55.",
    ),
    "group-excluded": (
        f"{ENTRY}requirement: ISO42001:A.7.4\n---\n{ENTRY.replace('id: s', 'id: t')}requirement: ISO42001:A.7\n",
        "15:14",
        "ISO42001:A.7 is a group: its status comes from its parts.",
    ),
    "soa-incomplete": (
        f"{ENTRY}requirement: ISO42001:C.2.5\n",
        "1:1",
        "The statement of applicability has no entry for ISO42001:A.7.4.",
    ),
    "soa-twice": (
        f"{ENTRY}requirement: ISO42001:A.7.4\n---\n{ENTRY.replace('id: s', 'id: t')}requirement: ISO42001:A.7.4\n",
        "15:14",
        "soa_entry:t speaks about ISO42001:A.7.4 as soa_entry:s does.",
    ),
    "clause-excluded": (
        (
            f"{ENTRY}requirement: ISO42001:A.7.4\n---\n{ENTRY.replace('id: s', 'id: t').replace('true', 'false')}"
            "requirement: ISO42001:9.2.1\napproved_by: person:ada\n"
        ),
        "15:14",
        "ISO42001:9.2.1 is a clause: whoever follows the standard meets it.",
    ),
    "document-outside": (f"{DOCUMENT}path: ../../etc/passwd\n", "6:7", "The path ../../etc/passwd leads outside the workspace."),
    "document-missing": (f"{DOCUMENT}path: documents/none.md\n", "6:7", "There is no file documents/none.md."),
    "no-owner": (POLICY.replace("owner: role:officer\n", ""), "1:1", "policy:p has no owner."),
    "owner-left": (f"{POLICY.replace('role:officer', 'person:bo')}---\n{LEFT}", "6:8", "person:bo left on 2026-11-20."),
    "never-reviewed": (f"{POLICY}review_every: P30D\n", "7:15", "policy:p was never reviewed."),
    "review-overdue": (f"{POLICY}review_every: P30D\nreviewed_on: 2026-10-20\n", "8:14", "The review of policy:p was due on 2026-11-19."),
    "role-without-holder": (ROLE, "1:1", "Nobody holds role:r."),
    "holder-left": (f"{ROLE}holders: [person:ada, person:bo]\n---\n{LEFT}", "5:23", "person:bo left on 2026-11-20."),
    "waiver-expired": (WAIVER.format(19), "9:13", "exception:w expired on 2026-11-19."),
    "no-approver": (WAIVER.format(20).replace("approved_by: person:ada\n", ""), "1:1", "exception:w names nobody who is to approve it."),
    "several-organizations": (
        "kind: organization\nid: other\ntitle: O\nlegal_name: O\nsector: s\ncountries: [DE]\nai_roles: [user]\n",
        "2:5",
        "There are 2 organisations: organization:acme, organization:other.",
    ),
    "unknown-fact": (f"{SYSTEM}  profilling: true\n", "14:15", "There is no fact profilling."),
    "wrong-fact": (f"{SYSTEM}  annex_iii: [4z]\n", "14:14", "annex_iii cannot be 4z."),
    "contradictory-facts": (
        f"{SYSTEM}  personal_data: false\n".replace("facts:", "personal_data: true\nfacts:"),
        "15:18",
        "personal_data is false here, and true by the field personal_data of ai_system:x.",
    ),
    "unknown-clock": (
        f"{INCIDENT}aware_at: 2026-11-02T09:00:00Z\nreports: [{{clock: gdpr.autority, at: 2026-11-03T09:00:00Z}}]\n",
        "9:19",
        "There is no clock gdpr.autority.",
    ),
    "contradictory-moments": (
        f"{INCIDENT}occurred_at: 2026-11-03T09:00:00Z\naware_at: 2026-11-02T09:00:00Z\n",
        "9:11",
        "Nobody is aware of an incident before it begins.",
    ),
    "wrong-moment": (f"{INCIDENT}aware_at: 2226-11-02T09:00:00Z\n", "8:11", "aware_at lies in the year 2226."),
    "risk-class-differs": (
        f"{SYSTEM}{SAFE}established_in: [DE], annex_iii: [4a], profiling: true}}\n",
        "12:13",
        "ai_system:x is stated to be minimal, its facts make it high.",
    ),
    "scope-empty": (SCOPE, "1:1", "scope:s names nothing it covers."),
    "reporting-cycle": (
        f"{CHIEF.format('r', 'q')}---\n{CHIEF.format('q', 'r')}",
        "13:13",
        "Roles report to each other in a circle: role:q, role:r, role:q.",
    ),
}


@pytest.mark.parametrize("slug", CASES)
def test_each_rule_finds_its_case_alone_and_at_its_place(repo: Repository, slug: str) -> None:
    text, at, message = CASES[slug]
    repo.write("records/x.yaml", text)
    (problem,) = found(repo)
    assert (problem.rule, str(problem.place), problem.message) == (slug, f"records/x.yaml:{at}", message)
    assert problem.severity is RULES[slug].severity
    assert problem.hint


@pytest.mark.parametrize(("necessary", "rules"), [("true", []), ("false", ["no-approver"])])
def test_only_an_exclusion_wants_an_approver(repo: Repository, necessary: str, rules: list[str]) -> None:
    entry = "kind: soa_entry\nid: s\ntitle: S\nowner: role:officer\nrequirement: ISO42001:A.7.4\njustification: None.\n"
    repo.write("records/x.yaml", f"{entry}necessary: {necessary}\n")
    assert [problem.rule for problem in found(repo)] == rules


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("facts: {personal_data_breech: true}", "unknown-fact"),
        ("facts: {breach_risk: some}", "wrong-fact"),
        ("harms: [death]\nfacts: {harms: []}", "contradictory-facts"),
    ],
)
def test_facts_of_incidents_are_looked_at_too(repo: Repository, line: str, rule: str) -> None:
    repo.write("records/x.yaml", f"{INCIDENT}aware_at: 2026-11-02T09:00:00Z\n{line}\n")
    (problem,) = found(repo)
    assert problem.rule == rule
    assert problem.place.line > 8


def test_no_organization(repo: Repository) -> None:
    (repo.root / "records/organization.yaml").unlink()
    (problem,) = found(repo)
    assert (problem.rule, str(problem.place)) == ("no-organization", "kybern.yaml")


def test_an_unknown_framework(repo: Repository) -> None:
    repo.write("kybern.yaml", "kybern: 1\nframeworks: [ISO42001, ISO42OO1]\n")
    (problem,) = found(repo)
    assert (problem.rule, str(problem.place), problem.hint) == ("unknown-framework", "kybern.yaml:2:24", "Did you mean ISO42001?")


def test_a_system_out_of_scope(repo: Repository) -> None:
    repo.write("records/x.yaml", f"{SCOPE}systems: [ai_system:chat]\n")
    repo.write("records/y.yaml", (repo.root / "records/systems.yaml").read_text().replace("credit", "chat"))
    (problem,) = found(repo)
    assert (problem.rule, str(problem.place)) == ("system-out-of-scope", "records/systems.yaml:2:7")


def test_what_belongs_to_each_other_in_a_circle(repo: Repository) -> None:
    approval = (
        "kind: approval\nid: {0}\ntitle: A\nof: approval:{1}\ndecision: approved\napprover: person:ada\ndecided_at: 2026-01-01T00:00:00Z\n"
    )
    repo.write("records/x.yaml", "---\n".join(approval.format(*pair) for pair in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))))
    (problem,) = found(repo)
    assert (problem.rule, str(problem.place)) == ("ownership-cycle", "records/x.yaml:4:5")
    assert problem.message.endswith(": approval:a, approval:b, approval:c, approval:a.")


def test_a_record_that_belongs_to_itself_is_a_circle(repo: Repository) -> None:
    text = "kind: approval\nid: a\ntitle: A\nof: approval:a\ndecision: approved\napprover: person:ada\ndecided_at: 2026-01-01T00:00:00Z\n"
    repo.write("records/x.yaml", text)
    assert [problem.rule for problem in found(repo)] == ["ownership-cycle"]


def test_every_rule_has_a_case_here() -> None:
    assert set(RULES) == set(CASES) | {"no-organization", "system-out-of-scope", "ownership-cycle", "unknown-framework"}


def test_every_rule_is_documented_under_its_severity_with_its_sentence() -> None:
    errors, _, rest = HANDBOOK.read_text().partition("## Warnings")
    warnings = rest.partition("## What is refused")[0]
    for slug, rule in RULES.items():
        section = errors if rule.severity is Severity.ERROR else warnings
        assert f"| `{slug}` | {rule.sentence} |" in section, slug
    documented = [line for line in (errors + warnings).splitlines() if line.startswith("| `")]
    assert len(documented) == len(RULES)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (f"{POLICY}approved_by: person:adda\n", "Did you mean person:ada?"),
        (f"{POLICY}approved_by: person:zzzzzzzz\n", "Known: person:ada."),
        (CHANGE.format("c").replace("organization:acme", "nothing:at-all"), "Write a record nothing:at-all, or remove the reference."),
        (WAIVER.format(20).replace("GOV-01", "GOV-1"), "Did you mean GOV-01?"),
    ],
)
def test_a_broken_reference_says_what_would_be_right(repo: Repository, text: str, hint: str) -> None:
    repo.write("records/x.yaml", text)
    assert [problem.hint for problem in found(repo)] == [hint]


def test_a_review_beyond_the_calendar_is_never_due(repo: Repository) -> None:
    repo.write("records/x.yaml", f"{POLICY}review_every: P99999D\nreviewed_on: 9999-01-01\n")
    assert found(repo, date.max) == []


@pytest.mark.parametrize("path", ["/etc/passwd", '"a/../../../x"', "out/secret", "a" * 300, "."])
def test_odd_paths_are_findings_not_failures(repo: Repository, tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    (repo.root / "out").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    repo.write("records/x.yaml", f"{DOCUMENT}path: {path}\n")
    (problem,) = found(repo)
    assert problem.rule == ("document-missing" if path in {"a" * 300, "."} else "document-outside")


@given(st.dictionaries(st.sampled_from("abcdefg"), st.sets(st.sampled_from("abcdefg"), max_size=3)))
@settings(max_examples=200, deadline=None)
def test_circles_are_real_and_none_is_missed(graph: dict[str, set[str]]) -> None:
    circles = list(cycles(graph))
    for circle in circles:
        assert all(after in graph.get(node, ()) for node, after in zip(circle, [*circle[1:], circle[0]], strict=True))
        assert len(set(circle)) == len(circle)
    covered = [node for circle in circles for node in circle]
    assert len(set(covered)) == len(covered)
    on_a_circle = {node for node in graph if node in reachable(graph, node)}
    assert bool(on_a_circle) == bool(circles)
    assert all(any(reachable(graph, node) & set(circle) for circle in circles) for node in on_a_circle)


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    pending = list(graph.get(start, ()))
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending += graph.get(node, ())
    return seen


def test_a_long_circle_needs_no_deep_stack() -> None:
    (circle,) = cycles({str(n): [str((n + 1) % 5000)] for n in range(5000)})
    assert len(circle) == 5000


def test_sarif_names_rule_place_and_level(repo: Repository) -> None:
    repo.write("records/ein ä.yaml", f"{POLICY.replace('owner: role:officer', 'approved_by: person:adda')}")
    log = json.loads(json.dumps(sarif(found(repo), "1.2.3")))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["tool"]["driver"]["version"] == "1.2.3"
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} >= set(RULES)
    assert len({rule["id"] for rule in rules}) == len(rules)
    first, second = run["results"]
    assert (
        [rules[result["ruleIndex"]]["id"] for result in run["results"]]
        == [first["ruleId"], second["ruleId"]]
        == ["no-owner", "broken-reference"]
    )
    assert (first["level"], second["level"]) == ("warning", "error")
    location = second["locations"][0]["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "records/ein%20%C3%A4.yaml"}, "region": {"startLine": 6, "startColumn": 14}}
    assert second["message"]["text"] == "There is no record person:adda. Did you mean person:ada?"


def test_sarif_of_a_whole_file_has_no_region() -> None:
    log = sarif([Problem("empty-file", "The file is empty.", Place("a.yaml"))], "1")
    assert log["runs"][0]["results"][0]["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "a.yaml"}}}]


def test_a_problem_is_shown_with_its_line_and_a_caret(repo: Repository) -> None:
    repo.write("records/x.yaml", f"{POLICY}approved_by: person:adda\n")
    assert render(found(repo), SourceLines(repo.root)) == (
        "records/x.yaml:7:14: error: There is no record person:adda. [broken-reference]\n"
        "    approved_by: person:adda\n"
        "                 ^\n"
        "  hint: Did you mean person:ada?\n"
    )


def test_rendering_neither_moves_the_cursor_nor_loses_the_caret() -> None:
    problem = Problem("r", "bad \x1b[31m", Place("f", 1, 62))
    text = render([problem], lambda _file, _line: "\t\u4e2d" + "x" * 200)
    _, line, caret = text.splitlines()
    assert "\x1b" not in text
    assert len(line) <= 104
    assert caret.index("^") == 4 + 50
    wide = render([Problem("r", "m", Place("f", 1, 3))], lambda _file, _line: "\u4e2d\u4e2dx").splitlines()[2]
    assert wide == "    " + " " * 4 + "^"


def test_source_lines_come_from_the_workspace_only(repo: Repository) -> None:
    lines = SourceLines(repo.root)
    assert lines("kybern.yaml", 1) == "kybern: 1"
    assert lines("kybern.yaml", 9) == lines("../../etc/passwd", 1) == lines("none.yaml", 1) == ""
