"""A new workspace is right from the first minute: it lints clean, claims nothing, names who owes what, whatever was answered."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kybern.assessment import Assessment, Gap, Status, assess, gaps
from kybern.base import InputError
from kybern.base.yaml import read_yaml
from kybern.catalog import Catalog, load_catalog
from kybern.records import Record, RecordSet
from kybern.records.leadership import Organization, Role
from kybern.workspace import (
    CatalogIds,
    fmt,
    lint,
    load_profile,
    load_workspace,
    parse_records,
    profile_ids,
    read_answers,
    scaffold,
    write_scaffold,
)
from kybern.workspace._emit import comment, scalar
from kybern.workspace._scaffold import slug

TODAY = date(2026, 11, 23)
NOW = datetime.combine(TODAY, time(12), UTC)
PROFILES = profile_ids()
GIVEN: dict[str, Any] = {"name": "Acme", "lead": "Ada Lovelace", "top_manager": "Grace Hopper", "country": "DE"}
FULL = GIVEN | {
    "lead_email": "ada@acme.example",
    "employees": 40,
    "supplier": "Modelco",
    "supplier_country": "US",
    "assessor": "Ada Lovelace",
}
OUTSIDE = GIVEN | {"country": "US-CA", "top_manager": "Ada Lovelace"}

each_profile = pytest.mark.parametrize("profile", PROFILES)


@cache
def catalog() -> Catalog:
    return load_catalog()


def files(profile: str, answers: dict[str, Any]) -> dict[str, str]:
    chosen = load_profile(profile)
    return dict(scaffold(chosen, read_answers(chosen, answers), TODAY))


def records(found: dict[str, str]) -> list[Record]:
    return [one for name, text in found.items() if name.startswith("records/") for one in parse_records(text.encode(), name)]


def written(root: Path, profile: str, answers: dict[str, Any]) -> Path:
    write_scaffold(root, files(profile, answers))
    return root


def problems(root: Path) -> list[str]:
    ids = CatalogIds(frozenset(catalog().controls), frozenset(catalog().requirements))
    return [str(one) for one in lint(load_workspace(root), ids, TODAY)]


@cache
def assessed(profile: str) -> Assessment:
    return assess(catalog(), RecordSet(records(files(profile, FULL))), (), NOW)


@cache
def listed_gaps(profile: str) -> tuple[Gap, ...]:
    return gaps(assessed(profile))


def test_there_is_a_profile_for_each_kind_an_organisation_may_name() -> None:
    kinds = get_args(get_args(Organization.model_fields["profile"].annotation)[0])
    assert set(PROFILES) == set(kinds)


@each_profile
@pytest.mark.parametrize("answers", [FULL, OUTSIDE], ids=["full", "least-and-outside"])
def test_it_lints_without_errors_and_warnings(tmp_path: Path, profile: str, answers: dict[str, Any]) -> None:
    assert problems(written(tmp_path, profile, answers)) == []


@each_profile
def test_it_is_in_canonical_form(profile: str) -> None:
    for name, text in files(profile, FULL).items():
        if name.startswith("records/"):
            assert fmt(text.encode(), name).decode() == text


@each_profile
def test_nothing_is_met_right_after(profile: str) -> None:
    found = assessed(profile)
    for framework in ("ISO42001", "NIST_AI_RMF"):
        readiness = found.readiness(framework, None)
        assert readiness.counts[Status.MET] == 0
        assert readiness.applicable > 30
    for control in found.catalog.controls:
        score = found.control(control, None)
        assert score is None or score.status is not Status.MET


@each_profile
def test_it_claims_no_review_and_no_approval(profile: str) -> None:
    claims = ("approved_on", "approved_by", "reviewed_on", "last_held_on", "assigned_on", "published_on", "started_on", "accepted_on")
    for record in records(files(profile, FULL)):
        assert not [name for name in claims if record.content.get(name)], record.ref


@each_profile
def test_gaps_are_owed_by_roles_that_people_hold(profile: str) -> None:
    found, listed = assessed(profile), listed_gaps(profile)
    roles = [found.plan.records.get(gap.owner_ref or "") for gap in listed]
    held = [role for role in roles if isinstance(role, Role) and role.holders]
    assert len(held) >= 0.9 * len(listed)
    assert "Ada Lovelace" in listed[3].owner or "Grace Hopper" in listed[3].owner


@each_profile
def test_the_gap_list_begins_with_the_first_month_in_order(profile: str) -> None:
    listed = listed_gaps(profile)
    planned = [one.control for one in sorted(load_profile(profile).first_month, key=lambda one: one.due)]
    assert {gap.control.id for gap in listed[: len(planned)]} == set(planned)
    days = [gap.planned_on for gap in listed[: len(planned)]]
    assert days == sorted(day for day in days if day)
    assert [gap.control.id for gap in listed[:2]] == ["GOV-12", "GOV-07"]
    later = listed[len(planned) :]
    assert [len(gap.closes) for gap in later] == sorted((len(gap.closes) for gap in later), reverse=True)


@each_profile
def test_the_first_month_holds_the_basics_and_enough_controls(profile: str) -> None:
    planned = {one.control for one in load_profile(profile).first_month}
    assert {"GOV-12", "GOV-07", "GOV-17", "GOV-08", "RSK-01", "RSK-03", "RSK-09"} <= planned
    assert 10 <= len(planned) <= 15


@each_profile
def test_the_statement_of_applicability_has_all_of_annex_a(profile: str) -> None:
    entries = [one for one in records(files(profile, GIVEN)) if one.kind == "soa_entry"]
    leaves = {ref for ref in catalog().requirements if ref.startswith("ISO42001:A.") and not catalog().children(ref)}
    assert {one.content["requirement"] for one in entries} == leaves
    assert len(entries) == 38
    assert all(one.content["necessary"] and one.content["controls"] for one in entries)
    assert len({one.content["justification"] for one in entries}) == 38


def test_profiles_truly_differ() -> None:
    made = {profile: records(files(profile, FULL)) for profile in PROFILES}

    def of(profile: str, kind: str, field: str) -> frozenset[str]:
        return frozenset(str(one.content[field]) for one in made[profile] if one.kind == kind)

    for kind, field in (("role", "title"), ("control_implementation", "control"), ("policy", "id"), ("objective", "title")):
        assert len({of(profile, kind, field) for profile in PROFILES}) == len(PROFILES), kind
    texts = [text for profile in PROFILES for text in of(profile, "soa_entry", "justification")]
    assert len(set(texts)) == len(texts)


def test_risks_are_written_only_in_an_assessors_name() -> None:
    assert not [one for one in records(files("sme", GIVEN)) if one.kind == "risk"]
    risks = [one for one in records(files("sme", FULL)) if one.kind == "risk"]
    assert len(risks) == 3
    assert {(one.content["assessor"], one.content["assessed_on"]) for one in risks} == {("person:ada-lovelace", "2026-11-23")}


def test_law_depends_on_the_country() -> None:
    def duties(answers: dict[str, Any]) -> set[str]:
        return {one.id for one in records(files("sme", answers)) if one.kind == "obligation"}

    assert {"ai-act-literacy", "data-protection"} <= duties(GIVEN)
    assert "ai-act-reach" in duties(OUTSIDE)
    assert "ai-act-literacy" not in duties(OUTSIDE)


def test_without_a_supplier_there_is_none() -> None:
    made = records(files("integrator", GIVEN))
    assert not [one for one in made if one.kind == "supplier"]
    assert not [one for one in made if one.content.get("suppliers")]


def test_one_person_may_be_everybody_and_namesakes_are_told_apart() -> None:
    alone = [one for one in records(files("sme", FULL | {"top_manager": "Ada Lovelace"})) if one.kind == "person"]
    assert [one.id for one in alone] == ["ada-lovelace"]
    two = [one for one in records(files("sme", FULL | {"top_manager": "Ada  LOVELACE!"})) if one.kind == "person"]
    assert len({one.id for one in two}) == 2


def test_dates_come_from_the_day_given() -> None:
    chosen = load_profile("sme")
    made = dict(scaffold(chosen, read_answers(chosen, GIVEN), date(2030, 1, 1)))
    assert "2026-11" not in "".join(made.values())
    assert min(one.content["due_on"] for one in records(made) if one.kind == "control_implementation") == "2030-01-06"


def test_nothing_is_overwritten_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "documents").write_text("a file where a folder is needed")
    with pytest.raises(InputError) as error:
        write_scaffold(tmp_path, files("sme", GIVEN))
    named = {problem.place.file for problem in error.value.problems}
    assert {"README.md", "documents/ai-policy.md"} <= named
    assert sorted(one.name for one in tmp_path.iterdir()) == ["README.md", "documents"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_failure_half_way_takes_everything_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if target.name == "roles.yaml":
            raise OSError(28, "no space left", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(InputError, match="no space left"):
        write_scaffold(tmp_path, files("sme", GIVEN))
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_a_link_is_not_followed_out_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "records").symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(InputError):
        write_scaffold(root, files("sme", GIVEN))
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"name": " \n "}, "name"),
        ({"name": "x\x00y"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"country": "Germany"}, "country"),
        ({"lead": None}, "lead"),
        ({"system_role": "king"}, "system_role"),
        ({"supplier": "Modelco"}, "supplier_country"),
        ({"lead_email": "ada"}, "lead_email"),
        ({"frameworks": ("iso 42001",)}, "frameworks.0"),
    ],
)
def test_an_answer_that_cannot_be_is_told_by_its_name(wrong: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as error:
        read_answers(load_profile("sme"), {key: value for key, value in (GIVEN | wrong).items() if value is not None})
    places = [problem.place.file for problem in error.value.problems]
    assert place in places
    assert {one.partition(".")[0] for one in places} == {place.partition(".")[0]}


def test_an_unknown_profile_is_told_with_those_there_are() -> None:
    with pytest.raises(InputError, match="critical-sector"):
        load_profile("bakery")


HOSTILE = (
    *("a: b", "- x", "#no", "'\"", "true", "null", "1e3", "0o17", "2026-11-23", "&a *b", "| >", "\\", "a\nb"),
    *("{today}", "{nothing}", "<script>alert(1)</script>", "日本 \U0001f600", "\xa0\u200b\ufeff", "\u2028"),
)
names = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60),
).filter(lambda text: text.strip() and not any(ord(char) < 32 and not char.isspace() for char in text))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.generate])
@given(names, names, names, st.text(min_size=1, max_size=200), st.sampled_from(PROFILES))
def test_whatever_is_answered_is_read_back_as_it_was(name: str, lead: str, system: str, purpose: str, profile: str) -> None:
    given_ = FULL | {"name": name, "lead": lead, "assessor": lead, "system_name": system, "system_purpose": purpose, "supplier": system}
    try:
        answers = read_answers(load_profile(profile), given_)
    except InputError:
        return
    made = dict(scaffold(load_profile(profile), answers, TODAY))
    found = {one.kind: one for one in records(made)}
    assert found["organization"].title == answers.name
    assert found["ai_system"].title == answers.system_name
    assert found["ai_system"].content["purpose"] == answers.system_purpose
    assert answers.lead in {one.title for one in records(made) if one.kind == "person"}
    for path, text in made.items():
        if path == "records/systems/first-system.yaml":
            assert fmt(text.encode(), path).decode() == text
        if path.endswith(".md"):
            assert "<script>" not in text


@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80))
def test_a_scalar_is_read_back_as_the_same_text(text: str) -> None:
    if any(ord(char) & 0xFFFE == 0xFFFE for char in text):
        return
    assert read_yaml(f"- {scalar(text)}\n- k: {scalar(text)}\n".encode(), "f")[0].value == [text, {"k": text}]


@given(st.text())
def test_an_id_is_always_an_id(text: str) -> None:
    assert parse_records(f"- kind: person\n  id: {slug(text, 'nobody')!r}\n  title: X\n".encode(), "f")[0].id


def test_a_comment_is_only_comment() -> None:
    assert comment("one\n\ntwo") == "# one\n#\n# two\n"
    assert comment("") == ""
