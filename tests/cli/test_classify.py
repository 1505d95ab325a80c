"""`kybern classify`: from records, from a file, by asking; as text and JSON; and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from kybern.base.yaml import read_yaml
from kybern.catalog.applicability import load_rules
from kybern.cli._classify import register
from kybern.cli._interview import typed

SYSTEM = """\
kind: ai_system
id: screener
title: CV screener
role: provider
purpose: Ranks applications.
use_case: hiring
autonomy: advises
risk_class: high
users: [recruiters]
personal_data: true
generates_content: false
jurisdictions: [DE]
stage: validation
facts:
  annex_iii: [4a]
  profiling: true
  exclusions: []
"""
ORGANIZATION = """\
kind: organization
id: acme
title: Acme
legal_name: Acme
sector: software
countries: [DE]
employees: 40
ai_roles: [provider]
"""
APPLIES = "eu_ai_act"


def run(*arguments: str, stdin: str | None = None) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["classify", *arguments], input=stdin)


def answered(*arguments: str, stdin: str | None = None) -> Any:
    result = run(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "records").mkdir()
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    (tmp_path / "records" / "organization.yaml").write_text(ORGANIZATION)
    (tmp_path / "records" / "system.yaml").write_text(SYSTEM)
    return tmp_path


def test_a_system_is_classified_from_its_records(workspace: Path) -> None:
    found = answered("screener", "-C", str(workspace), "--as-of", "2026-11-26")
    act = found["regimes"][APPLIES]
    assert found["subject"] == "ai_system:screener"
    assert act["applies"] is True
    high = act["conclusions"]["eu_ai_act.high_risk"]
    assert (high["holds"], high["since"], high["in_effect"]) == (True, "2027-12-02", False)
    assert "EU_AI_ACT:Annex.III(4)(a)" in high["chain"]
    assert found["facts"]["jurisdictions"] == ["DE"]
    assert found["facts"]["employees"] == 40
    assert found["facts"]["on_eu_market"] is False
    nine = [duty for duty in act["duties"] if duty["requirement"].startswith("EU_AI_ACT:Art.9(")]
    assert {(duty["binds"], *duty["because"]) for duty in nine} == {(None, "eu_ai_act.high_risk_provider")}
    assert "provider_role_passed_on" in act["open"]
    assert found["regimes"]["korea"]["applies"] is False


def test_the_day_changes_the_answer(workspace: Path) -> None:
    before = answered("ai_system:screener", "-C", str(workspace), "--as-of", "2026-07-26", "--regime", APPLIES)
    assert list(before["regimes"]) == [APPLIES]
    assert before["regimes"][APPLIES]["conclusions"]["eu_ai_act.high_risk"]["since"] == "2026-08-02"


def test_the_text_fits_80_columns_and_folds_what_is_long(workspace: Path) -> None:
    short = run("screener", "-C", str(workspace), "--as-of", "2026-11-26")
    whole = run("screener", "-C", str(workspace), "--as-of", "2026-11-26", "--all")
    assert (short.exit_code, whole.exit_code) == (0, 0)
    assert max(map(len, (short.stdout + whole.stdout).splitlines())) <= 80
    assert len(whole.stdout) > 2 * len(short.stdout)
    assert "APPLIES, since 2025-02-02" in short.stdout
    assert "A high-risk AI system, from 2027-12-02 on" in short.stdout
    assert "Annex.III(4)(a)" in short.stdout
    assert "No legal" in short.stdout
    assert "Open, the most decisive first:" in short.stdout
    assert "yes annex_iii has 4a" in whole.stdout
    assert "--all shows them" not in whole.stdout


@pytest.mark.parametrize(
    ("line", "told", "hint"),
    [
        ("profilling: true", "2:1: error: There is no fact profilling. [unknown-fact]", "Did you mean profiling?"),
        ("annex_iii: [4z]", "2:12: error: annex_iii cannot be 4z. [wrong-fact]", "Write a list of some of 2, 3a, 3b,"),
        ("product_law: lift", "2:14: error: product_law cannot be lift. [wrong-fact]", "Did you mean lifts?"),
        ("provider: 'yes'", "2:11: error: provider cannot be yes. [wrong-fact]", "Write true or false, or null where it is not known."),
        ("eu_market_since: 2026-02-30", "2:18: error: eu_market_since cannot be 2026-02-30. [wrong-fact]", "Write a day, 2026-08-02."),
        ("jurisdictions: [Germany]", '2:16: error: jurisdictions cannot be ["Germany"]. [wrong-fact]', "countries by their ISO 3166 codes"),
        ("employees: -3", "2:12: error: employees cannot be -3. [wrong-fact]", "Write a number of zero or more."),
        (
            "provider: true\ndevelops: false\nmarkets_under_own_name: false",
            "2:11: error: A provider develops a system, or has it developed, and places it on the market",
            "or provider to false; who only uses it is its deployer.",
        ),
        ("importer: true\nestablished_in: [US]", "2:11: error: An importer is established in the Union", "Add the Member State"),
    ],
)
def test_one_clear_error_for_what_is_wrong_in_a_file(tmp_path: Path, line: str, told: str, hint: str) -> None:
    (tmp_path / "facts.yaml").write_text(f"ai_system: true\n{line}\n")
    result = run("--facts", str(tmp_path / "facts.yaml"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert hint in result.stderr.partition("hint: ")[2]
    assert result.stderr.count("error:") == 1


def test_one_clear_error_for_what_is_wrong_in_a_record(workspace: Path) -> None:
    (workspace / "records" / "system.yaml").write_text(f"{SYSTEM}  provider: false\n")
    result = run("screener", "-C", str(workspace))
    assert result.exit_code == 2
    assert "records/system.yaml:18:13: error: provider is false here, and true by the field role of ai_system:screener." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("--regime", "eu_ai_akt", "--ask"), "unknown-regime"),
        ((), "nothing-to-classify"),
        (("screener", "--facts", "f.yaml"), "two-sources"),
        (("--facts", "none.yaml"), "unreadable"),
        (("--as-of", "tomorrow", "--ask"), "as-of"),
    ],
)
def test_a_call_that_cannot_be_used_is_refused(arguments: tuple[str, ...], rule: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert f"[{rule}]" in result.stderr


def test_an_unknown_system_names_those_there_are(workspace: Path) -> None:
    result = run("screner", "-C", str(workspace))
    assert result.exit_code == 2
    assert "There is no AI system screner. [unknown-system]\n  hint: Did you mean screener?" in result.stderr


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "", "\x00"])
def test_a_file_that_holds_no_facts_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.yaml").write_text(text)
    result = run("--facts", str(tmp_path / "f.yaml"))
    assert result.exit_code == 2
    assert "error:" in result.stderr


def test_the_schema_is_one_that_takes_what_the_program_writes(workspace: Path) -> None:
    schema = json.loads(run("--schema").stdout)
    assert set(schema["properties"]) == set(load_rules().schema.facts)
    file = workspace / "facts.yaml"
    assert run("screener", "-C", str(workspace), "--out", str(file)).exit_code == 0
    jsonschema.validate(read_yaml(file.read_bytes(), "facts.yaml")[0].value, schema)
    assert answered("--facts", str(file))["regimes"] == answered("screener", "-C", str(workspace))["regimes"]


def test_the_interview_asks_what_matters_by_number_or_word(tmp_path: Path) -> None:
    """NIS2: a sector by word, then by number; help, nonsense and what is not known in between."""
    out = tmp_path / "facts.yaml"
    lines = ["?", "Germany", "de", "none", "?", "energie", "energy", "u", "250"]
    result = run("--ask", "--regime", "nis2", "--out", str(out), "--as-of", "2026-11-26", stdin="\n".join(lines) + "\n")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("a system to be asked about, as of 2026-11-26")
    assert "ISO 3166" in result.stderr
    assert "Sources: NIS2:" in result.stderr
    assert "nis2_sector cannot be energie. Did you mean energy?" in result.stderr


def test_the_interview_ends_where_the_answers_end() -> None:
    result = run("--ask", "--regime", "cra", stdin="")
    assert result.exit_code == 0
    assert "CANNOT TELL YET" in result.stdout


def test_answers_lead_where_the_file_of_facts_leads(tmp_path: Path) -> None:
    """What was asked and saved gives the same answers when it is read back, and nothing is asked again."""
    out = tmp_path / "facts.yaml"
    first = answered("--ask", "--regime", "cra", "--out", str(out), "--as-of", "2027-12-11", stdin="EU\ny\nn\nyes\n")
    again = answered("--facts", str(out), "--regime", "cra", "--as-of", "2027-12-11")
    assert first["regimes"] == again["regimes"]
    assert first["regimes"]["cra"]["conclusions"]["cra.essential_requirements"]["in_effect"] is True
    assert again["regimes"]["cra"]["open"] == []
    silent = run("--ask", "--facts", str(out), "--regime", "cra", stdin="")
    assert "?" not in silent.stderr.replace("? explains", "")


def test_answers_may_come_through_a_pipe(tmp_path: Path) -> None:
    """As the installed program reads them: one line an answer, none of them lost."""
    out = tmp_path / "facts.yaml"
    program = Path(sys.executable).parent / "kybern"
    call = [str(program), "classify", "--ask", "--regime", "cra", "--out", str(out)]
    done = subprocess.run(call, input="DE, FR\n1\n?\nno\nyes\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert read_yaml(out.read_bytes(), "facts.yaml")[0].value == {
        "jurisdictions": ["DE", "FR"],
        "digital_product": True,
        "cra_excluded": False,
        "own_product": True,
    }


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("profiling", "Yes", True),
        ("profiling", "2", False),
        ("profiling", "maybe", "maybe"),
        ("product_law", "3", "toys"),
        ("product_law", "toys", "toys"),
        ("product_law", "99", "99"),
        ("practices", "1, social-scoring", ["manipulation", "social-scoring"]),
        ("practices", "none", []),
        ("practices", "", ""),
        ("annex_iii", "2, 3a", ["2", "3a"]),
        ("annex_iii", "1", ["1"]),
        ("jurisdictions", "de, us-ca", ["DE", "US-CA"]),
        ("training_compute", "1e25", 1e25),
        ("training_compute", "1e999999", "1e999999"),
        ("training_compute", "nan", "nan"),
    ],
)
def test_what_is_typed_means_what_is_shown(name: str, text: str, meant: object) -> None:
    """A number counts in the list that is shown; where values are letters of a law, there is no such list."""
    assert typed(load_rules().schema.facts[name], text) == meant


def test_a_contradiction_is_told_at_the_question(tmp_path: Path) -> None:
    """Only the importer is open; who sits outside the Union cannot be one, and is asked again."""
    no = ["provider", "deployer", "distributor", "authorised_representative", "product_manufacturer", "provides_gpai", "modifies_gpai"]
    known = ["ai_system: true", "jurisdictions: [DE]", "established_in: [US]", "exclusions: []", "changes: []"]
    (tmp_path / "f.yaml").write_text("\n".join([*known, *(f"{name}: false" for name in no)]) + "\n")
    result = run("--ask", "--facts", str(tmp_path / "f.yaml"), "--regime", APPLIES, stdin="y\nn\n")
    assert result.exit_code == 0
    assert result.stderr.count("Are you its importer") == 1
    assert "An importer is established in the Union" in result.stderr
    assert "DOES NOT APPLY" in result.stdout


def test_out_that_cannot_be_written_is_refused(workspace: Path) -> None:
    result = run("screener", "-C", str(workspace), "--out", str(workspace / "no" / "f.yaml"))
    assert (result.exit_code, "[unwritable]" in result.stderr) == (2, True)
