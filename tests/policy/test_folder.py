"""The policy folder of a workspace: what it takes from the library, what it has of its own, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from policy_library import BUNDLES, PROFILES, WHOLE

from kybern.base import InputError
from kybern.policy import Effect, read_policy, shipped_invariants

RULE = """\
- id: own
  title: A rule of one's own
  owner: governance
  rationale: It is tested.
  applies_to: [deploy]
  effect: deny
  when: risks.total > 9
  message: Mend it
  examples:
    - {title: Ten, facts: {risks.total: 10}, expect: fires}
    - {title: Nine, facts: {risks.total: 9}, expect: silent}
"""
OWN_FACTS = """\
id: own
version: "2"
title: Facts of one's own
actions: {ship: Something is shipped}
providers: {clock: The clock}
facts:
  - {name: request.time, label: now, type: timestamp, description: When, provider: clock, example: "2026-11-23T09:00:00Z"}
  - {name: parcel.weight, label: the weight, type: number, unit: L, minimum: 0, description: How much, example: 1}
"""


def folder(root: Path, bundle: str = "kybern: 1\n", **files: str) -> Path:
    for name, text in {"bundle": bundle, **files}.items():
        path = root / "policy" / ("rules/own.yaml" if name == "rules" else f"{name}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def rules_of(root: Path) -> list[str]:
    return [rule.id for rule in read_policy(root, {}).bundle.rules]


def refused(root: Path) -> tuple[str, str]:
    with pytest.raises(InputError) as error:
        read_policy(root, {})
    [problem] = error.value.problems
    return f"{problem.place.file}:{problem.place.line}:{problem.place.column} {problem.rule}", f"{problem.message} {problem.hint}"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_takes_its_rules_and_the_core(tmp_path: Path, profile: str) -> None:
    assert rules_of(folder(tmp_path, f"kybern: 1\nlibrary: {{profiles: [{profile}]}}\n")) == [rule.id for rule in BUNDLES[profile].rules]


def test_single_rules_are_taken_and_left_out_by_name(tmp_path: Path) -> None:
    library = "library: {profiles: [sme], rules: [bill-of-materials-missing], without: [merge-goes-on]}\n"
    chosen = {rule.id for rule in BUNDLES["sme"].rules} | {"bill-of-materials-missing"}
    expected = [rule.id for rule in WHOLE.rules if rule.id in chosen - {"merge-goes-on"}]
    assert rules_of(folder(tmp_path, f"kybern: 1\n{library}")) == expected
    assert rules_of(folder(tmp_path, "kybern: 1\nlibrary: {rules: [tests-fail]}\n")) == ["tests-fail"], "alone, without the core"


def test_rules_of_ones_own_stand_beside_those_of_the_library(tmp_path: Path) -> None:
    found = read_policy(folder(tmp_path, "kybern: 1\nlibrary: {rules: [tests-fail]}\n", rules=RULE), {})
    assert [rule.id for rule in found.bundle.rules] == ["tests-fail", "own"]
    assert found.files == ("policy/rules/own.yaml",)
    assert found.bundle.default is Effect.DENY


def test_a_bundle_without_rules_decides_by_its_default(tmp_path: Path) -> None:
    assert rules_of(folder(tmp_path)) == []


def test_a_rule_of_ones_own_cannot_have_the_name_of_one_that_ships(tmp_path: Path) -> None:
    where, words = refused(folder(tmp_path, "kybern: 1\nlibrary: {rules: [tests-fail]}\n", rules=RULE.replace("id: own", "id: tests-fail")))
    assert where == "policy/rules/own.yaml:1:7 duplicate-rule"
    assert "the library/evaluation.yaml" in words


def test_facts_of_ones_own_take_the_place_of_those_that_ship(tmp_path: Path) -> None:
    rule = (
        RULE.replace("deploy", "ship")
        .replace("risks.total > 9", 'parcel.weight > quantity(9, "L")')
        .replace("risks.total", "parcel.weight")
    )
    found = read_policy(folder(tmp_path, "kybern: 1\nfacts: facts.yaml\n", facts=OWN_FACTS, rules=rule), {})
    assert found.bundle.schema.ref == "own/2"
    assert [rule.id for rule in found.bundle.rules] == ["own"]


@pytest.mark.parametrize(
    ("bundle", "where", "words"),
    [
        ("kybern: 2\n", "policy/bundle.yaml:1:9", ""),
        ("kybern: 1\nfacts: ../elsewhere.yaml\n", "policy/bundle.yaml:2:8 unknown-schema", "one of your own is a file in policy/"),
        ("kybern: 1\nlibrary: {profiles: [developr]}\n", "policy/bundle.yaml:2:22 unknown-name", "Did you mean developer?"),
        ("kybern: 1\nlibrary: {rules: [tests-fial]}\n", "policy/bundle.yaml:2:19 unknown-name", "Did you mean tests-fail?"),
        ("kybern: 1\nlibrary: {rules: [tests-fail], without: [x]}\n", "policy/bundle.yaml:2:42 unknown-name", "The library has no rule x"),
        ("kybern: 1\nordre: [deny]\n", "policy/bundle.yaml:2:1 unknown-field", "order"),
        ("kybern: 1\norder: [deny, allow]\n", "kybern", "names each of deny"),
    ],
)
def test_a_bundle_that_cannot_be_used_is_refused_with_its_place(tmp_path: Path, bundle: str, where: str, words: str) -> None:
    told = refused(folder(tmp_path, bundle))
    assert told[0].startswith(where), told
    assert words in told[1]


def test_without_a_bundle_it_says_how_to_make_one(tmp_path: Path) -> None:
    where, words = refused(tmp_path)
    assert "no-policy" in where
    assert "kybern policy init" in words


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(RULE, encoding="utf-8")
    root = folder(tmp_path / "root", rules=RULE)
    (root / "policy" / "rules" / "link.yaml").symlink_to(outside)
    assert refused(root)[0].startswith("policy/rules/link.yaml:")
    assert "not-a-file" in refused(root)[0]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("applies_to: [deploy]", "applies_to: [deplyo]", "unknown-action"),
        ("system.risk_class", "system.riskclass", "unknown-fact"),
        ("never: [allow, modify]", "never: [alow]", "unknown-value"),
    ],
)
def test_an_invariant_that_does_not_read_is_refused_with_its_place(tmp_path: Path, old: str, new: str, rule: str) -> None:
    text = shipped_invariants("core").replace(old, new, 1)
    assert new in text
    where, words = refused(folder(tmp_path, invariants=text))
    assert where.startswith("policy/invariants.yaml:")
    assert where.endswith(rule)
    assert "Did you mean" in words


def test_a_file_of_invariants_is_a_list(tmp_path: Path) -> None:
    assert refused(folder(tmp_path, invariants="a: 1\n"))[0] == "policy/invariants.yaml:1:1 wrong-type"
