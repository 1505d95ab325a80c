"""The rules: what decides here, a page for each, its examples, decisions taken, and asking it."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from server_world import PROJECT_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from django.test import Client

pytestmark = pytest.mark.django_db
OWNER = "/rules/system-without-owner"
OTHER = "ai_system:hiring-screener"
OWN_RULES = """\
# Rules of the house.
- id: house-rule
  title: "House <script>alert(1)</script> rule"
  owner: ai-governance-lead
  rationale: "Because of \\"><img src=x>."
  applies_to: [deploy]
  effect: deny
  when: system.risk_class == "high" && !system.owned
  message: Name the owner first.
  examples:
    - {title: High and nobody, facts: {system.risk_class: high, system.owned: false}, expect: fires}
    - {title: Owned, facts: {system.risk_class: high}, expect: silent}
"""


@pytest.fixture
def own_rules(server_data: Path) -> Iterator[Path]:
    """Give the organisation a policy folder of its own: the core of the library, and one rule."""
    folder = server_data / "policy"
    (folder / "rules").mkdir(parents=True)
    (folder / "bundle.yaml").write_text("kybern: 1\nlibrary: {profiles: [core]}\n")
    (folder / "rules" / "house.yaml").write_text(OWN_RULES)
    yield folder
    shutil.rmtree(folder)


def evidence_count() -> int:
    from kybern.server.store.models import EvidenceRow

    return EvidenceRow.objects.count()


def test_without_a_policy_folder_the_library_is_shown_and_said_to_be_it(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("engineer").get("/rules").content.decode()
    assert "has no policy folder of its own" in page
    assert "123 rules" in page
    assert "For train, validate, deploy or retire, it is denied if it is not so that the system has an owner." in page
    assert 'id="default"' in page


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("action=call-tool", "/rules/stopped-agent-does-nothing", "/rules/system-without-owner"),
        ("effect=allow", "An agent reads with its tools", "/rules/system-without-owner"),
        ("decides=yes", "/rules/system-without-owner", "ships</span>"),
        ("control=LIF-29", "/rules/stopped-agent-does-nothing", "/rules/system-without-owner"),
        ("profile=agents", "9 rules", "/rules/system-without-owner"),
        ("q=nobody+answers", "/rules/system-without-owner", "/rules/stopped-agent-does-nothing"),
        ("q=nothing-like-it", "No rule fits", "/rules/system-without-owner"),
        ("effect=nonsense&decides=x", "123 rules", "No rule fits"),
    ],
)
def test_every_filter_is_in_the_address(sign_in: Callable[[str], Client], query: str, there: str, gone: str) -> None:
    page = sign_in("engineer").get(f"/rules?{query}").content.decode()
    assert there in page
    assert gone not in page


def test_a_rule_says_itself_in_words_with_its_source_and_examples(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("internal-auditor").get(OWNER).content.decode()
    for words in (
        "it is denied if it is not so that the system has an owner",
        "A gate is passed on somebody&#39;s word",
        "lifecycle.yaml",
        'id="line-',
        "!system.owned",
        "as expected",
        "system.owned",
        "/controls/GOV-08",
        "/requirements/ISO42001%3A5.3",
        "what the organisation states",
        f'hx-get="{OWNER}/analysis"',
    ):
        assert words in page, words


def test_the_line_of_an_example_is_that_of_its_file(sign_in: Callable[[str], Client]) -> None:
    from kybern.policy import shipped_rules

    text = shipped_rules()["the library/lifecycle.yaml"].decode().splitlines()
    line = next(number for number, one in enumerate(text, 1) if "{title: No owner," in one)
    page = sign_in("internal-auditor").get(OWNER).content.decode()
    assert f'href="#line-{line}"' in page
    assert f'<tr id="line-{line}"><th scope="row">{line}</th><td>    - {{title: No owner,' in page


def test_every_rule_has_its_page(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.pages._decisions import library

    client = sign_in("engineer")
    for rule in library().rules[::7]:
        page = client.get(f"/rules/{rule.id}")
        assert page.status_code == 200, rule.id
        assert "as expected" in page.content.decode()


def test_who_may_not_read_rules_gets_nothing(sign_in: Callable[[str], Client], client: Client) -> None:
    for path in ("/rules", OWNER, f"{OWNER}/analysis"):
        assert sign_in("viewer").get(path).status_code == 403
        assert sign_in("stranger").get(path).status_code == 403
        assert client.get(path).status_code == 302


def test_unknown_rules_are_not_there_and_pseudo_rules_lead_to_their_words(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("engineer")
    for name in ("none", "%3Cscript%3E", "x%00y"):
        assert client.get(f"/rules/{name}").status_code == 404
        assert client.get(f"/rules/{name}/analysis").status_code == 404
    assert client.get("/rules/default")["Location"] == "/rules#default"
    assert client.get("/rules/facts")["Location"] == "/rules#facts"


def test_analysis_tells_rules_that_fire_together(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("engineer").get(f"{OWNER}/analysis").content.decode()
    assert 'id="found"' in page
    assert "no other rule makes it needless" in page
    assert "can fire along with it" in page


def test_two_analyses_at_once_do_not_break_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver has one context for the process: what asks at the same time waits, and gets what the first one found."""
    from kybern.policy import analysis
    from kybern.server.pages import _rules

    running, most = [0], [0]

    def analyse(bundle: object) -> SimpleNamespace:
        running[0] += 1
        most[0] = max(most[0], running[0])
        sleep(0.05)
        running[0] -= 1
        return SimpleNamespace(findings=(bundle,))

    monkeypatch.setattr(analysis, "analyse", analyse)
    monkeypatch.setattr(_rules, "_KEPT", {})
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: _rules._findings(name, name), ["one", "two", "one", "three"]))  # type: ignore[arg-type]
    assert found == [("one",), ("two",), ("one",), ("three",)]
    assert most == [1]


def test_a_rule_answers_a_question_and_keeps_nothing(sign_in: Callable[[str], Client]) -> None:
    client, before = sign_in("engineer"), evidence_count()
    page = client.get(OWNER).content.decode()
    assert 'name="fact.system.owned"' in page
    denied = client.post(OWNER, {"act": "facts", "action": "train", "fact.system.owned": "false"}).content.decode()
    assert "this rule fires" in denied
    assert "<b>Deny</b>" in denied
    assert "Nothing of this is kept." in denied
    allowed = client.post(OWNER, {"act": "facts", "action": "train", "fact.system.owned": "true"}).content.decode()
    assert "this rule is silent" in allowed
    assert evidence_count() == before


def test_what_is_no_value_of_a_fact_denies_and_says_why(sign_in: Callable[[str], Client]) -> None:
    bad = "<script>alert(1)</script>"
    page = sign_in("engineer").post(OWNER, {"act": "facts", "action": "train", "fact.system.owned": bad}).content.decode()
    assert "is neither true nor false" in page
    assert "<b>Deny</b>" in page
    assert "<script>alert" not in page
    strange = sign_in("engineer").post(OWNER, {"act": "facts", "action": "no-such", "fact.no.such": "1"})
    assert strange.status_code == 200


def test_asking_needs_its_permission(sign_in: Callable[[str], Client]) -> None:
    auditor = sign_in("internal-auditor")
    assert 'id="ask"' not in auditor.get(OWNER).content.decode()
    assert auditor.post(OWNER, {"act": "facts", "fact.system.owned": "false"}).status_code == 403
    assert auditor.post(OWNER, {"act": "system", "system": OTHER, "stage": "deploy"}).status_code == 403


def test_a_system_is_asked_about_as_it_stands(sign_in: Callable[[str], Client]) -> None:
    client, before = sign_in("engineer"), evidence_count()
    page = client.post(OWNER, {"act": "system", "system": OTHER, "stage": "deploy"}).content.decode()
    assert "deploy, CV screener for vacancies" in page
    assert "The system has an owner: <b>yes</b>" in page
    assert "Nothing of this is kept." in page
    assert evidence_count() == before


def test_an_answer_is_kept_where_that_is_asked_for_and_is_told_as_a_decision(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import EvidenceRow

    client = sign_in("engineer")
    assert "has been decided and signed yet" in client.get(OWNER).content.decode()
    page = client.post(OWNER, {"act": "system", "system": OTHER, "stage": "deploy", "keep": "yes"}).content.decode()
    row = EvidenceRow.objects.get(topic="gate-decision")
    assert f"/evidence/{row.id}" in page
    assert row.signers == ["person:engineer"]
    assert row.body["suite"] == "gate deploy"
    told = client.get(OWNER).content.decode()
    assert f'href="/evidence/{row.id}"' in told
    assert "did not decide" in told
    held = next(name for name in row.body["note"].rpartition(". ")[2].split("; ") if name not in {"default", "facts"})
    assert "held it back" in client.get(f"/rules/{held}").content.decode()
    assert row.id not in sign_in("project-engineer").get(OWNER).content.decode()


def test_a_reader_of_one_unit_asks_about_its_systems_only(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("project-engineer")
    page = client.get(OWNER).content.decode()
    assert PROJECT_SYSTEM in page
    assert OTHER not in page
    assert client.post(OWNER, {"act": "system", "system": OTHER, "stage": "deploy"}).status_code == 404
    assert client.post(OWNER, {"act": "system", "system": PROJECT_SYSTEM, "stage": "deploy"}).status_code == 200
    for stage in ("call-tool", "merge", "nonsense", ""):
        assert client.post(OWNER, {"act": "system", "system": PROJECT_SYSTEM, "stage": stage}).status_code == 404


def test_an_own_folder_decides(sign_in: Callable[[str], Client], own_rules: Path) -> None:
    client = sign_in("engineer")
    page = client.get("/rules?decides=yes").content.decode()
    assert "71 rules of the organisation decide" in page
    assert "/rules/house-rule" in page
    assert "<script>alert" not in page
    rule = client.get("/rules/house-rule").content.decode()
    assert "policy/rules/house.yaml" in rule
    assert 'id="line-2"' in rule
    assert "<script>alert" not in rule
    assert "<img src=x>" not in rule
    assert "decides here" in rule
    answer = client.post("/rules/house-rule", {"act": "facts", "fact.system.risk_class": "high", "fact.system.owned": "false"})
    assert "this rule fires" in answer.content.decode()


def test_a_rule_that_only_ships_is_held_against_no_system(sign_in: Callable[[str], Client], own_rules: Path) -> None:
    from kybern.server.pages._decisions import library

    name = next(rule.id for rule in library().rules if "core" not in rule.spec.profiles and "deploy" in rule.spec.applies_to)
    client = sign_in("engineer")
    assert "ships, does not decide here" in client.get(f"/rules/{name}").content.decode()
    assert client.post(f"/rules/{name}", {"act": "system", "system": OTHER, "stage": "deploy"}).status_code == 302


def test_rules_that_do_not_load_are_told_with_their_place(sign_in: Callable[[str], Client], own_rules: Path) -> None:
    (own_rules / "rules" / "house.yaml").write_text(OWN_RULES.replace("system.owned", "system.owed"))
    page = sign_in("engineer").get("/rules").content.decode()
    assert "do not load" in page
    assert "policy/rules/house.yaml:8" in page
    assert ">yes</span>" not in page
