"""The handbook on rules agrees with the rules that ship and with what is refused."""

from __future__ import annotations

import re
from pathlib import Path

from library_page import PAGE, page
from policy_library import PROFILES, SCHEMA

from kybern.policy import load_bundle, read_policy

HANDBOOK = PAGE.parent
SOURCE = Path(__file__).parents[2] / "src" / "kybern" / "policy"


def test_the_page_on_the_library_is_what_the_files_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run tests/policy/library_page.py"


def test_every_profile_is_explained() -> None:
    told = re.findall(
        r"^\| `([a-z-]+)` \| (?:everybody|who|authorities|where|small|beside)", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(told) == sorted(PROFILES)


def test_every_refusal_is_in_the_handbook() -> None:
    text = (HANDBOOK / "rules.md").read_text(encoding="utf-8")
    faults = {
        slug
        for name in ("_check.py", "_syntax.py")
        for slug in re.findall(r'Fault\(\s*[^"]*?"([a-z-]+)"', (SOURCE / name).read_text(encoding="utf-8"))
    }
    assert len(faults) > 20
    assert [slug for slug in sorted(faults) if f"`{slug}`" not in text] == []


def test_the_rule_in_the_handbook_loads() -> None:
    text = (HANDBOOK / "rules.md").read_text(encoding="utf-8")
    [rule] = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "effect:" in block]
    assert [one.id for one in load_bundle(SCHEMA, [("rules.md", rule.encode())]).rules] == ["big-change-needs-operations"]


def test_the_choice_in_the_handbook_reads(tmp_path: Path) -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "bundle.yaml").write_text(f"kybern: 1\n{block}", encoding="utf-8")
    chosen = read_policy(tmp_path, {}).bundle.by_id
    assert "authority-decides-by-machine" in chosen
    assert "bill-of-materials-missing" in chosen
    assert "payment-is-capped" not in chosen
